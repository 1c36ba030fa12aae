"""From the tokens of a video to one feature: jointly, or by regions that each have a token of their own."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dferbench import ConfigError
from dferbench_methods.layers.initial import STD
from dferbench_methods.mae_dfer.blocks import JointBlock, RegionBlock

Grid = tuple[int, int, int]
"""How many there are along time, height and width."""


class Joint(nn.Module):
    """ViT blocks over all tokens, whose mean is the feature; drop path rises to `drop_path` in the last."""

    def __init__(self, dim: int, depth: int, drop_path: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(JointBlock(dim, rate) for rate in _rising(drop_path, depth))

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, t, h, w, dim) -> (B, dim)."""
        x = tokens.flatten(1, 3)
        for block in self.blocks:
            x = block(x)
        return x.mean(1)


class ByRegion(nn.Module):
    """Local-global interaction blocks; the mean of the learned region tokens, one per region, is the feature.

    `regions` is how the `grid` of tokens is cut. Raises ConfigError where that does not come out even.
    """

    def __init__(self, dim: int, depth: int, drop_path: float, grid: Grid, regions: Grid) -> None:
        super().__init__()
        if any(tokens % parts for tokens, parts in zip(grid, regions, strict=True)):
            shown = " x ".join(map(str, grid)), "x".join(map(str, regions))
            raise ConfigError(
                f"{shown[0]} tokens cannot be cut into {shown[1]} regions",
                "Choose divisors of the tokens in regions, or other frames or another size in the input.",
            )
        self.regions = regions
        count = regions[0] * regions[1] * regions[2]
        self.region_tokens = nn.Parameter(nn.init.trunc_normal_(torch.empty(count, dim), std=STD))
        self.blocks = nn.ModuleList(RegionBlock(dim, rate) for rate in _rising(drop_path, depth))

    def cut(self, tokens: Tensor) -> Tensor:
        """(B, t, h, w, dim) -> (B, R, S, dim): the tokens of each region, row by row within it."""
        batch, t, h, w, dim = tokens.shape
        i, j, k = self.regions
        parts = tokens.reshape(batch, i, t // i, j, h // j, k, w // k, dim)
        return parts.permute(0, 1, 3, 5, 2, 4, 6, 7).flatten(4, 6).flatten(1, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, t, h, w, dim) -> (B, dim)."""
        local = self.cut(tokens)
        own = self.region_tokens.unsqueeze(1).expand(len(local), -1, -1, -1)
        x = torch.cat([own, local], 2)
        for block in self.blocks:
            x = block(x)
        return x[:, :, 0].mean(1)


def _rising(last: float, depth: int) -> list[float]:
    return [last * i / max(depth - 1, 1) for i in range(depth)]


def read_regions(text: str) -> Grid:
    """The grid that a text such as "4x2x1" names."""
    t, h, w = map(int, text.split("x"))
    return t, h, w


def positions(count: int, dim: int) -> Tensor:
    """(count, dim): sines of the position in even columns and cosines in odd ones, to the base 10000."""
    column = torch.arange(dim, dtype=torch.float64)
    angle = torch.arange(count, dtype=torch.float64)[:, None] / 10000 ** (2 * (column // 2) / dim)
    return torch.where(column % 2 == 0, angle.sin(), angle.cos()).float()
