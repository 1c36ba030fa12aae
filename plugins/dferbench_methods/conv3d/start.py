"""What the nets of DFEW's repository start from."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import nn


def as_in_dfew(net: nn.Module, cube: Callable[[nn.Conv3d], None]) -> None:
    """Start every layer of `net` as the training script of DFEW's authors does (2022, `load_model`).

    2D convolutions and linear layers are Kaiming-normal (fan in, ReLU) with torch's default biases; `cube`
    starts a 3D convolution as the net itself does there.
    """
    for part in net.modules():
        if isinstance(part, nn.Conv3d):
            cube(part)
        elif isinstance(part, nn.Conv2d | nn.Linear):
            part.reset_parameters()
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")


def by_default(conv: nn.Conv3d) -> None:
    """torch's default, in C3D and I3D."""
    conv.reset_parameters()


def by_port(conv: nn.Conv3d) -> None:
    """The P3D port's: N(0, 2 / n), n the output channels times the first two sides of the kernel."""
    nn.init.normal_(conv.weight, std=math.sqrt(2 / (math.prod(conv.kernel_size[:2]) * conv.out_channels)))


def unchanged(conv: nn.Conv3d) -> None:
    """As the trunk starts it, in R(2+1)D-18: torchvision's, which is this trunk's."""
