"""Attention over tokens of space and time: within windows, and to summaries of windows."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dferbench.models import attend

Cell = tuple[int, int]
"""A box of tokens: how many frames, and how many places in each direction of the map."""


@dataclass(frozen=True)
class Plan:
    """The sizes of a block: `window` is where local attention looks, `summary` what one summary is of."""

    dim: int
    heads: int
    mlp_ratio: int
    dropout: float
    window: Cell
    summary: Cell


class Attention(nn.Module):
    """Multi-head attention of tokens (N, Q, dim) to others (N, K, dim); dropout on weights and output."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.heads, self.dropout = plan.heads, plan.dropout
        self.query = nn.Linear(plan.dim, plan.dim, bias=False)
        self.key_value = nn.Linear(plan.dim, 2 * plan.dim, bias=False)
        self.out = nn.Linear(plan.dim, plan.dim)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        """(N, Q, dim) and (N, K, dim) -> (N, Q, dim)."""
        q = self.query(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        k, v = self.key_value(seen).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        dropout = self.dropout if self.training else 0.0
        y = attend(q, k, v, dropout=dropout)
        return F.dropout(self.out(y.transpose(1, 2).flatten(2)), dropout)


def windows(x: Tensor, cell: Cell) -> Tensor:
    """(B, T, h, w, dim) -> (B windows, tokens, dim), windows that tile the volume."""
    frames, side = cell
    batch, t, h, w, dim = x.shape
    cut = x.reshape(batch, t // frames, frames, h // side, side, w // side, side, dim)
    return cut.permute(0, 1, 3, 5, 2, 4, 6, 7).reshape(-1, frames * side * side, dim)


def volume(tokens: Tensor, cell: Cell, shape: torch.Size) -> Tensor:
    """What `windows` took apart, together again: (B windows, tokens, dim) -> `shape`."""
    frames, side = cell
    batch, t, h, w, dim = shape
    cut = tokens.reshape(batch, t // frames, h // side, w // side, frames, side, side, dim)
    return cut.permute(0, 1, 4, 2, 5, 3, 6, 7).reshape(shape)


class Local(nn.Module):
    """Attention within windows of space and time jointly: (B, T, h, w, dim) -> the same."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.window, self.attention = plan.window, Attention(plan)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, h, w, dim) -> the same."""
        tokens = windows(x, self.window)
        return volume(self.attention(tokens, tokens), self.window, x.shape)


class Global(nn.Module):
    """Attention of all tokens to one summary of each cell: (B, T, h, w, dim) -> the same."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        frames, side = plan.summary
        cell = (frames, side, side)
        self.summarise = nn.Conv3d(plan.dim, plan.dim, cell, cell, groups=plan.dim)
        self.norm = nn.LayerNorm(plan.dim)
        self.attention = Attention(plan)

    def summaries(self, x: Tensor) -> Tensor:
        """(B, T, h, w, dim) -> (B, cells, dim)."""
        found: Tensor = self.norm(self.summarise(x.movedim(-1, 1)).flatten(2).transpose(1, 2))
        return found

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, h, w, dim) -> the same."""
        seen: Tensor = self.attention(x.flatten(1, 3), self.summaries(x))
        return seen.reshape(x.shape)


class Block(nn.Module):
    """Local attention, global attention and an MLP, each behind a norm and next to a shortcut.

    In training each of the three is left out for a video with probability `drop` (stochastic depth).
    """

    def __init__(self, plan: Plan, drop: float) -> None:
        super().__init__()
        self.drop = drop
        self.norm1, self.local = nn.LayerNorm(plan.dim), Local(plan)
        self.norm2, self.globally = nn.LayerNorm(plan.dim), Global(plan)
        inner = plan.mlp_ratio * plan.dim
        self.norm3 = nn.LayerNorm(plan.dim)
        self.mlp = nn.Sequential(
            nn.Linear(plan.dim, inner),
            nn.GELU(),
            nn.Dropout(plan.dropout),
            nn.Linear(inner, plan.dim),
            nn.Dropout(plan.dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, h, w, dim) -> the same."""
        x = x + self._kept(self.local(self.norm1(x)))
        x = x + self._kept(self.globally(self.norm2(x)))
        return x + self._kept(self.mlp(self.norm3(x)))

    def _kept(self, x: Tensor) -> Tensor:
        if not self.training or not self.drop:
            return x
        keep = 1 - self.drop
        return x * (x.new_empty(len(x), 1, 1, 1, 1).bernoulli_(keep) / keep)
