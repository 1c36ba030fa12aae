"""The two modules of excitation: over places and frames, then over channels and time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

FRAME_GATES: Mapping[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "softmax": lambda scores: scores.softmax(-1),
}
"""What makes weights of the frames' scores (..., T); the paper does not say which."""


class SpatialFrame(nn.Module):
    """Spatial-frame excitation: the maps of a view's frames (N, T, dim, h, w) -> features (N, T, dim).

    A mask raises places of each map, which is then averaged; a weight for each frame scales the result.
    """

    def __init__(self, dim: int, inner: int, gate: str) -> None:
        super().__init__()
        self.first = nn.Conv2d(dim, inner, 1)
        self.middle = nn.Conv2d(dim, inner, 1)
        self.last = nn.Conv2d(dim, inner, 1)
        self.frame = nn.Linear(dim, 1)
        self.gate = FRAME_GATES[gate]

    def mask(self, maps: Tensor) -> Tensor:
        """(N, dim, h, w) -> (N, 1, h, w) in 0..1: how the places answer to what the whole map is about."""
        query = self.middle(maps).mean((2, 3)).softmax(-1)
        places = self.first(maps) + self.last(maps)
        return torch.einsum("nc,nchw->nhw", query, places).sigmoid()[:, None]

    def forward(self, maps: Tensor) -> Tensor:
        """(N, T, dim, h, w) -> (N, T, dim)."""
        flat = maps.flatten(0, 1)
        seen = (flat * self.mask(flat) + flat).mean((2, 3)).reshape(*maps.shape[:3])
        return self.gate(self.frame(seen)[..., 0])[..., None] * seen


class ChannelTemporal(nn.Module):
    """Channel-temporal aggregation: features over time (N, T, dim) -> one feature (N, T * dim).

    Gates of the channels and of the frames each raise the features; the two results are added.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.channel = nn.Conv1d(dim, dim, 1)
        self.temporal = nn.Conv1d(dim, dim, 3, padding=1)
        self.frame = nn.Linear(dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, dim) -> (N, T * dim)."""
        over_time = x.transpose(1, 2)
        channels = self.channel(over_time).transpose(1, 2).sigmoid()
        frames = self.frame(self.temporal(over_time).transpose(1, 2)).sigmoid()
        raised: Tensor = (x * channels + x) + (x * frames + x)
        return raised.flatten(1)
