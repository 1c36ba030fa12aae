"""I3D (Carreira and Zisserman, CVPR 2017): Inception-v1 with every filter inflated in time, RGB stream."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dferbench import ConfigError
from dferbench_methods.layers.resnet2d import kaiming_fan_out

Three = tuple[int, int, int]
WINDOW = (2, 7, 7)
MIXED = {
    "3b": (64, 96, 128, 16, 32, 32),
    "3c": (128, 128, 192, 32, 96, 64),
    "4b": (192, 96, 208, 16, 48, 64),
    "4c": (160, 112, 224, 24, 64, 64),
    "4d": (128, 128, 256, 24, 64, 64),
    "4e": (112, 144, 288, 32, 64, 64),
    "4f": (256, 160, 320, 32, 128, 128),
    "5b": (256, 160, 320, 32, 128, 128),
    "5c": (384, 192, 384, 48, 128, 128),
}
"""Channels of each Inception module: branch 0; 1, reduced and full; 2, reduced and full; 3."""


def same(x: Tensor, kernel: Three, stride: Three) -> tuple[Tensor, Three]:
    """TensorFlow's SAME padding of (B, C, t, h, w): x with the odd row behind it, and the padding on all
    sides that is left to the operation itself. Every output then has ceil(n / stride) entries.

    The odd row is zero, which is no different from TensorFlow's -inf where pooling follows a ReLU.
    """
    total = [
        max(k - (n % s or s), 0) for n, k, s in zip(x.shape[2:], kernel, stride, strict=True)
    ]  # fmt: skip
    if any(t % 2 for t in total):
        x = F.pad(x, [side for t in reversed(total) for side in (0, t % 2)])
    return x, (total[0] // 2, total[1] // 2, total[2] // 2)


class Unit(nn.Module):
    """Convolution without bias, batch norm, ReLU: (B, inner, t, h, w) -> (B, outer, t', h', w')."""

    def __init__(self, inner: int, outer: int, kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(inner, outer, kernel, stride, bias=False)
        self.bn = nn.BatchNorm3d(outer, eps=1e-3, momentum=0.01)
        self.kernel, self.stride = (kernel,) * 3, (stride,) * 3

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        x, padding = same(x, self.kernel, self.stride)
        x = F.conv3d(x, self.conv3d.weight, None, self.stride, padding)
        return F.relu(self.bn(x))


class Pool(nn.Module):
    """Max-pooling with SAME padding."""

    def __init__(self, kernel: Three, stride: Three) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, t, h, w), nowhere below zero -> (B, C, t', h', w')."""
        x, padding = same(x, self.kernel, self.stride)
        return F.max_pool3d(x, self.kernel, self.stride, padding)


class Mixed(nn.Module):
    """An Inception module: four branches side by side, (B, inner, t, h, w) -> (B, outer, t, h, w).

    `widths` are as in `MIXED`.
    """

    def __init__(self, inner: int, widths: Sequence[int]) -> None:
        super().__init__()
        b0, b1a, b1b, b2a, b2b, b3 = widths
        self.b0 = Unit(inner, b0)
        self.b1a, self.b1b = Unit(inner, b1a), Unit(b1a, b1b, 3)
        self.b2a, self.b2b = Unit(inner, b2a), Unit(b2a, b2b, 3)
        self.b3a, self.b3b = Pool((3, 3, 3), (1, 1, 1)), Unit(inner, b3)
        self.outer = b0 + b1b + b2b + b3

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        branches = (self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(self.b3a(x)))
        return torch.cat(branches, dim=1)


class Logits(nn.Module):
    """The classifier, a 1x1x1 convolution with bias."""

    def __init__(self, inner: int, classes: int) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(inner, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inner, t, h, w) -> (B, classes, t, h, w)."""
        logits: Tensor = self.conv3d(x)
        return logits


class I3D(nn.Module):
    """Videos (B, T, 3, H, W) -> logits (B, classes), averaged over what time is left.

    `pool` "adaptive" averages the last map as a whole, "official" in windows of 2x7x7: the same on 16 frames
    of 224 x 224. Convolutions start Kaiming-normal (fan out). Raises
    ConfigError where the official one does not fit.
    """

    def __init__(
        self, classes: int, frames: int = 16, size: int = 224, pool: str = "adaptive", dropout: float = 0.5,
        width: int = 64,
    ) -> None:  # fmt: skip
        super().__init__()
        _check(pool, frames, size)
        self.window = WINDOW if pool == "official" else None
        self.dropout = dropout
        outer = _add_layers(self, width)
        self.layers = [name for name, _ in self.named_children()]
        kaiming_fan_out(self)
        self.logits = Logits(outer, classes)

    def maps(self, video: Tensor) -> Tensor:
        """(B, T, 3, H, W) -> the last map (B, 16 width, T / 8, H / 32, W / 32)."""
        x = video.transpose(1, 2)
        for name in self.layers:
            x = self.get_submodule(name)(x)
        return x

    def forward(self, video: Tensor) -> Tensor:
        """(B, T, 3, H, W) -> logits (B, classes)."""
        x = self.maps(video)
        x = F.avg_pool3d(x, self.window, 1) if self.window else x.mean((2, 3, 4), keepdim=True)
        logits: Tensor = self.logits(F.dropout(x, self.dropout, self.training))
        return logits.mean((2, 3, 4))


def _add_layers(net: nn.Module, width: int) -> int:
    """Give the net its layers in order, each under its official name; returns the last one's channels."""

    def scaled(channels: int) -> int:
        return max(channels * width // 64, 1)

    net.add_module("Conv3d_1a_7x7", Unit(3, width, 7, 2))
    net.add_module("MaxPool3d_2a_3x3", Pool((1, 3, 3), (1, 2, 2)))
    net.add_module("Conv3d_2b_1x1", Unit(width, width))
    net.add_module("Conv3d_2c_3x3", Unit(width, 3 * width, 3))
    pools = {
        "3b": ("MaxPool3d_3a_3x3", Pool((1, 3, 3), (1, 2, 2))),
        "4b": ("MaxPool3d_4a_3x3", Pool((3, 3, 3), (2, 2, 2))),
        "5b": ("MaxPool3d_5a_2x2", Pool((2, 2, 2), (2, 2, 2))),
    }
    outer = 3 * width
    for name, widths in MIXED.items():
        if name in pools:
            net.add_module(*pools[name])
        mixed = Mixed(outer, [scaled(channels) for channels in widths])
        net.add_module(f"Mixed_{name}", mixed)
        outer = mixed.outer
    return outer


def _check(pool: str, frames: int, size: int) -> None:
    left = (-(-frames // 8), -(-size // 32))
    if pool == "official" and (left[0] < WINDOW[0] or left[1] != WINDOW[1]):
        raise ConfigError(
            f"I3D's pooling windows of 2x7x7 do not fit the {left[0]}x{left[1]}x{left[1]} that are left of "
            f"{frames} frames of {size} x {size}",
            "Use input.size=224 and at least 9 frames, or pool=adaptive.",
        )
