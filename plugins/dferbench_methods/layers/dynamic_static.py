"""What frames show and what changes between them: the fusion of NR-DFERNet (arXiv:2206.04975), which GCA+IAL
(arXiv:2208.10335) took over, as the first author's released codes have it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dferbench.models import PreNorm
from dferbench_methods.layers.resnet2d import Basic

DEPTH, HEADS, HEAD_DIM = 2, 4, 32
"""Of all transformers in the two networks."""


def narrow_stem(width: int) -> nn.Sequential:
    """Two 3x3 convolutions in place of a ResNet's 7x7: (N, 3, H, W) -> (N, width, H / 2, W / 2); batch norm,
    ReLU and pooling are to follow."""
    return nn.Sequential(
        nn.Conv2d(3, width, 3, 2, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, 1, 1, bias=False),
    )


class DynamicStatic(nn.Module):
    """Dynamic-static fusion: T maps (B, T, dim, h, w) -> T - 1 tokens (B, T - 1, dim * places).

    Convolutions take how each map differs from the one before it, a transformer the places of the earlier of
    the two; the maps of both, half as wide and high, are added.
    """

    def __init__(self, dim: int, places: int) -> None:
        super().__init__()
        self.dynamic = nn.Sequential(Basic(dim, dim, 2), Basic(dim, dim, 1), Basic(dim, dim, 1))
        self.patches = nn.Sequential(nn.Conv2d(dim, dim, 3, 2, 1, bias=False), nn.BatchNorm2d(dim), nn.ReLU())
        self.positions = nn.Parameter(torch.randn(1, places, dim))
        self.blocks = nn.Sequential(*(PreNorm(dim, HEADS, HEAD_DIM, 1) for _ in range(DEPTH)))

    def static(self, maps: Tensor) -> Tensor:
        """(N, dim, h, w) -> (N, dim, h / 2, w / 2)."""
        grid = self.patches(maps)
        seen = self.blocks(grid.flatten(2).transpose(1, 2) + self.positions)
        out: Tensor = seen.transpose(1, 2).reshape(grid.shape)
        return out

    def forward(self, maps: Tensor) -> Tensor:
        """(B, T, dim, h, w) -> (B, T - 1, dim * places)."""
        moved, still = maps[:, 1:] - maps[:, :-1], maps[:, :-1]
        fused = self.dynamic(moved.flatten(0, 1)) + self.static(still.flatten(0, 1))
        tokens: Tensor = fused.reshape(*still.shape[:2], -1)
        return tokens
