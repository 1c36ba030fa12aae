"""The image model: a vision transformer of ViT-B's kind (Dosovitskiy et al., ICLR 2021), without a head."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dferbench.models import attend
from dferbench_methods.layers.initial import STD, draw_linear

EPS = 1e-6
"""What layer norms add to the variance, but for those within an adapter."""


class Attention(nn.Module):
    """Multi-head self-attention on (N, L, dim), query, key and value in one layer."""

    def __init__(self, dim: int, heads: int, qkv_bias: bool) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """(N, L, dim) -> (N, L, dim)."""
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        seen = attend(q, k, v)  # (N, heads, L, dim / heads)
        out: Tensor = self.proj(seen.transpose(1, 2).flatten(2))
        return out


class Mlp(nn.Module):
    """Two linear layers with a GELU between them, four times as wide inside."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """(..., dim) -> (..., dim)."""
        out: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return out


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim, EPS), nn.LayerNorm(dim, EPS)
        self.attn, self.mlp = Attention(dim, heads, qkv_bias=True), Mlp(dim)

    def forward(self, x: Tensor) -> Tensor:
        """(N, L, dim) -> (N, L, dim)."""
        x = x + self.attn(self.norm1(x))
        moved: Tensor = x + self.mlp(self.norm2(x))
        return moved


class VisionTransformer(nn.Module):
    """Its parts, for a model that does something between them; `side` is that of the grid of patches."""

    def __init__(self, dim: int, depth: int, heads: int, patch: int, side: int) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, dim, patch, patch)
        self.cls_token = nn.Parameter(torch.empty(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.empty(1, 1 + side * side, dim))
        self.blocks = nn.ModuleList(Block(dim, heads) for _ in range(depth))
        draw_linear(self)
        for tokens in (self.cls_token, self.pos_embed):
            nn.init.trunc_normal_(tokens, std=STD)

    def patches(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, side * side, dim), without positions."""
        tokens: Tensor = self.patch(images).flatten(2).transpose(1, 2)
        return tokens

    def placed(self, patches: Tensor) -> Tensor:
        """(N, side * side, dim) -> (N, 1 + side * side, dim): the class token before them, and positions."""
        return torch.cat([self.cls_token.expand(len(patches), -1, -1), patches], 1) + self.pos_embed
