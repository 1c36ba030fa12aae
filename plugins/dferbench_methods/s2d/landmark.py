"""The side input: a map that a frozen landmark network makes of each frame.

The network is the MobileFaceNet (Chen et al., 2018) for 68 points that S2D's repository ships; only what lies
before the map is built. Its tensors keep the names of that file.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dferbench_methods.layers.start import start_from

CHANNELS = 128
SIDE = 14
"""Of the map, for frames of any size."""
SIZE = 112
"""The side in pixels to which frames are brought first."""
UNUSED = ("conv_45.", "conv_5.", "conv_6_sep.", "output_layer.")
"""The rest of the network, which continues from the map to the points."""


class Landmark(nn.Sequential):
    """(N, 3, H, W), pixels as the model gets them -> (N, 128, 14, 14). Never learns, always in eval mode."""

    def __init__(self) -> None:
        parts: OrderedDict[str, nn.Module] = OrderedDict(
            conv1=_conv(3, 64, 3, stride=2),
            conv2_dw=_conv(64, 64, 3, groups=64),
            conv_23=_separable(64, 64, 128, stride=2),
            conv_3=_named(model=nn.Sequential(*(_Skip(64, 128) for _ in range(4)))),
            conv_34=_separable(64, CHANNELS, 256, stride=2),
            conv_4=_named(model=nn.Sequential(*(_Skip(CHANNELS, 256) for _ in range(6)))),
        )
        super().__init__(parts)
        self.requires_grad_(False).train(False)

    def train(self, mode: bool = True) -> Landmark:
        """Its batch norms keep their statistics whatever the mode."""
        super().train(False)
        return self

    @torch.no_grad()
    def forward(self, frames: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, 128, 14, 14)."""
        seen = F.interpolate(frames, size=(SIZE, SIZE), mode="bilinear", align_corners=True)
        for part in self:
            seen = part(seen)
        return seen


def read_landmark(file: str) -> tuple[Landmark, dict[str, Any]]:
    """The network with the tensors of the released file, and what the record says of it. Raises DataError."""
    net = Landmark()
    return net, start_from(net, file, classifier=UNUSED)["weights"]


def _named(**parts: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(parts))


def _conv(
    into: int, out: int, kernel: int = 1, stride: int = 1, groups: int = 1, act: bool = True
) -> nn.Sequential:
    """Convolution, batch norm and, with `act`, a PReLU for each channel."""
    conv = nn.Conv2d(into, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    act_parts = {"prelu": nn.PReLU(out)} if act else {}
    return _named(conv=conv, bn=nn.BatchNorm2d(out), **act_parts)


def _separable(into: int, out: int, inner: int, stride: int) -> nn.Sequential:
    """Wider, along each channel, and narrower again without an activation."""
    return nn.Sequential(_separated(into, out, inner, stride))


def _separated(into: int, out: int, inner: int, stride: int) -> OrderedDict[str, nn.Module]:
    return OrderedDict(
        conv=_conv(into, inner),
        conv_dw=_conv(inner, inner, 3, stride, inner),
        project=_conv(inner, out, act=False),
    )


class _Skip(nn.Sequential):
    """x plus what the separable convolution makes of it."""

    def __init__(self, dim: int, inner: int) -> None:
        super().__init__(_separated(dim, dim, inner, stride=1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, dim, H, W) -> the same."""
        seen = x
        for part in self:
            seen = part(seen)
        return x + seen
