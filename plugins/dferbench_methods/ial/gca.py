"""The global-convolution attention block: a ResNet's block whose channels are rescaled in every frame."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dferbench_methods.layers.resnet2d import Basic

TINY = 1e-5
SQUEEZE = 16
"""How many times narrower the gate is inside."""


def blended(gate: Tensor) -> Tensor:
    """Gates of frames (B, T, ...) -> the geometric mean of each and of its video's average."""
    return (gate * gate.mean(1, keepdim=True) + TINY).sqrt()


class Gca(nn.Module):
    """Rescales maps by a gate in (0, 2) that a convolution as large as the map decides."""

    def __init__(self, dim: int, side: int, classes: int) -> None:
        super().__init__()
        inner = max(dim // SQUEEZE, 1)
        self.whole = nn.Conv2d(dim, dim, side, groups=dim, bias=False)
        self.squeeze = nn.Conv2d(dim, inner, 1, bias=False)
        self.excite = nn.Conv2d(inner, dim, 1, bias=False)
        # Linear layers in a row, with nothing between: the released code has them so.
        self.aux = nn.Sequential(nn.Linear(dim, 2 * dim, bias=False), nn.Linear(2 * dim, classes, bias=False))

    def forward(self, x: Tensor, frames: int) -> tuple[Tensor, Tensor]:
        """(B T, dim, side, side) -> the same rescaled, and auxiliary logits (B, C) of the videos."""
        seen = self.whole(x)  # (B T, dim, 1, 1)
        gate = 2 * torch.sigmoid(self.excite(F.relu(self.squeeze(seen))))
        dim = x.shape[1]
        weight = blended(gate.reshape(-1, frames, dim)).reshape(-1, dim, 1, 1)
        return x * weight, self.aux(seen.reshape(-1, frames, dim).mean(1))


class GcaBlock(Basic):
    """A basic block that halves the map, with the attention before its shortcut is added."""

    def __init__(self, inner: int, width: int, side: int, classes: int) -> None:
        super().__init__(inner, width, 2)
        self.gca = Gca(width, side, classes)

    def attend(self, x: Tensor, frames: int) -> tuple[Tensor, Tensor]:
        """(B T, inner, h, w) -> (B T, width, side, side), and auxiliary logits (B, C)."""
        y = F.relu(self.bn1(self.conv1(x)))
        y, aux = self.gca(self.bn2(self.conv2(y)), frames)
        return F.relu(y + (x if self.downsample is None else self.downsample(x))), aux
