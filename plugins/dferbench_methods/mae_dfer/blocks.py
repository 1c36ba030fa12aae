"""Transformer blocks over the tokens of a video: each with all others, or within regions and between them."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from dferbench.models import attend

HEAD = 64
"""The width of an attention head, in either encoder."""
EPS = 1e-6


class SelfAttention(nn.Module):
    """Multi-head attention of tokens to each other, by one fused map; queries and values have biases."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.q_bias, self.v_bias = (nn.Parameter(torch.zeros(dim)) for _ in range(2))
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """(N, S, dim) -> (N, S, dim)."""
        q, k, v = self.qkv(x).chunk(3, -1)
        out: Tensor = self.proj(_attend(q + self.q_bias, k, v + self.v_bias))
        return out


class Attention(nn.Module):
    """Multi-head attention of tokens to others; queries and values have biases."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.q = nn.Linear(dim, dim, bias=False)
        self.kv = nn.Linear(dim, 2 * dim, bias=False)
        self.q_bias, self.v_bias = (nn.Parameter(torch.zeros(dim)) for _ in range(2))
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        """(N, S, dim) and what it looks at, (N, M, dim) -> (N, S, dim)."""
        k, v = self.kv(seen).chunk(2, -1)
        out: Tensor = self.proj(_attend(self.q(x) + self.q_bias, k, v + self.v_bias))
        return out


def _attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q, k, v = (t.reshape(*t.shape[:2], -1, HEAD).transpose(1, 2) for t in (q, k, v))
    return attend(q, k, v).transpose(1, 2).flatten(2)


class DropPath(nn.Module):
    """In training, a branch is left out with probability `rate` for each row of the batch, and what remains
    is scaled up (stochastic depth; Huang et al., ECCV 2016)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """(N, S, dim) -> (N, S, dim)."""
        if not self.training or not self.rate:
            return x
        kept = torch.rand(len(x), 1, 1, device=x.device) >= self.rate
        return x * kept / (1 - self.rate)


def _norm(dim: int) -> nn.LayerNorm:
    return nn.LayerNorm(dim, eps=EPS)


def _mlp(dim: int) -> nn.Sequential:
    layers = [("fc1", nn.Linear(dim, 4 * dim)), ("gelu", nn.GELU()), ("fc2", nn.Linear(4 * dim, dim))]
    return nn.Sequential(OrderedDict(layers))


class JointBlock(nn.Module):
    """A ViT block: pre-norm attention of every token to every other one, then the MLP."""

    def __init__(self, dim: int, drop_path: float) -> None:
        super().__init__()
        self.attention_norm, self.attention = _norm(dim), SelfAttention(dim)
        self.mlp_norm, self.mlp = _norm(dim), _mlp(dim)
        self.drop = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, dim) -> (B, N, dim)."""
        x = x + self.drop(self.attention(self.attention_norm(x)))
        moved: Tensor = x + self.drop(self.mlp(self.mlp_norm(x)))
        return moved


class RegionBlock(nn.Module):
    """The local-global interaction block of MAE-DFER (section 3.2), all of it pre-norm with residuals.

    Each region's token and its local tokens look at each other; the region tokens of a video look at each
    other; every local token of the video looks at them; then the MLP, on all.
    """

    def __init__(self, dim: int, drop_path: float) -> None:
        super().__init__()
        self.within_norm, self.within = _norm(dim), Attention(dim)
        self.between_norm, self.between = _norm(dim), Attention(dim)
        self.local_norm, self.region_norm, self.reading = _norm(dim), _norm(dim), Attention(dim)
        self.mlp_norm, self.mlp = _norm(dim), _mlp(dim)
        self.drop = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """(B, R, 1 + S, dim), in each region its token before its S local ones -> the same shape.

        With drop path, each region is a row of its own within regions and in the MLP, each video elsewhere.
        """
        videos, count, size, dim = x.shape
        rows = x.flatten(0, 1)
        normal = self.within_norm(rows)
        rows = rows + self.drop(self.within(normal, normal))
        regions = rows[:, 0].reshape(videos, count, dim)
        local = rows[:, 1:].reshape(videos, -1, dim)
        normal = self.between_norm(regions)
        regions = regions + self.drop(self.between(normal, normal))
        local = local + self.drop(self.reading(self.local_norm(local), self.region_norm(regions)))
        rows = torch.cat([regions.reshape(-1, 1, dim), local.reshape(-1, size - 1, dim)], 1)
        rows = rows + self.drop(self.mlp(self.mlp_norm(rows)))
        moved: Tensor = rows.view(x.shape)
        return moved
