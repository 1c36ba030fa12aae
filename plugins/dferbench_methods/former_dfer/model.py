"""The network: convolutions, attention within each frame, convolutions, attention over the frames."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from dferbench import Task
from dferbench.models import Classifier, ClsTransformer, PreNorm
from dferbench_methods.former_dfer.method import FormerDferOptions
from dferbench_methods.former_dfer.names import in_file
from dferbench_methods.layers.resnet2d import ResNet2d
from dferbench_methods.layers.start import start_from

DOWN = 16
"""How much smaller than a frame the map is, in each direction, where the spatial transformer stands."""


class SpatialTransformer(nn.Module):
    """`depth` encoder layers over the places of a map: (N, dim, h, w) -> the same (section 3.2).

    Eight heads, each an eighth of `dim` wide, learned positions drawn from N(0, 1), and no class token.
    """

    def __init__(self, dim: int, places: int, depth: int, heads: int = 8) -> None:
        super().__init__()
        self.pos_embedding = nn.Parameter(torch.randn(1, places, dim))
        self.blocks = nn.Sequential(*(PreNorm(dim, heads, dim // heads, 2) for _ in range(depth)))

    def forward(self, x: Tensor) -> Tensor:
        """(N, dim, h, w) -> (N, dim, h, w)."""
        tokens = x.flatten(2).transpose(1, 2) + self.pos_embedding
        out: Tensor = self.blocks(tokens).transpose(1, 2).reshape(x.shape)
        return out


class FormerDfer(Classifier):
    """A ResNet-18 with the spatial transformer before stage 4, the temporal transformer, a linear layer.

    Options: `FormerDferOptions`. Raises DataError for weights that do not fit.
    """

    def __init__(self, task: Task, parts: Any, **options: Any) -> None:
        super().__init__()
        given = FormerDferOptions(**options)
        self.trunk = ResNet2d(width=given.width)
        self.spatial = SpatialTransformer(4 * given.width, _side(task.size) ** 2, given.spatial_depth)
        self.temporal = ClsTransformer(self.trunk.dim, task.frames, given.temporal_depth)
        self.head = nn.Linear(self.trunk.dim, len(task.classes))
        self.notes = start_from(self, given.weights, in_file)

    def frame(self, images: Tensor) -> Tensor:
        """(N, 3, size, size) -> (N, dim), `dim` 512 for a width of 64."""
        x = self.trunk.stages(self.trunk.stem(images), 1, 3)
        return self.trunk.stages(self.spatial(x), 4, 4).mean((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, 3, size, size) -> logits (B, C)."""
        frames = self.frame(x.flatten(0, 1)).reshape(*x.shape[:2], -1)
        logits: Tensor = self.head(self.temporal(frames))
        return logits


def _side(size: int) -> int:
    """The side of the map behind stage 3: what does not divide is rounded up."""
    return math.ceil(size / DOWN)
