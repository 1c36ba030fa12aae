"""3D ResNets of 18 layers over whole videos: the trunk, without a classifier.

Two networks bear the name. Hara et al. (CVPR 2018) pool behind a 7x7x7 stem; Tran et al. (CVPR 2018), which
is torchvision's `r3d_18`, keep the full map behind a 3x7x7 stem, at five times the cost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from torch import Tensor, nn
from torch.nn import functional as F

from dferbench_methods.layers.resnet2d import kaiming_fan_out

Conv: TypeAlias = Callable[[int, int, int, int], nn.Module]
"""conv(inner, outer, stride, entering) -> a module (B, inner, t, h, w) -> (B, outer, t', h', w'), its
stride in time and space; `entering` is how many channels enter the block that it stands in."""


def cube(inner: int, outer: int, stride: int, entering: int) -> nn.Module:
    """A 3x3x3 convolution."""
    return nn.Conv3d(inner, outer, 3, stride, 1, bias=False)


class Block(nn.Module):
    """Two convolutions and a shortcut: (B, inner, t, h, w) -> (B, width, t / stride, h / stride, w / stride).

    Shortcut "b" is a 1x1x1 convolution where the shape changes; "a" learns nothing: strided, and padded with
    channels of zeros.
    """

    def __init__(self, inner: int, width: int, stride: int, conv: Conv, shortcut: str) -> None:
        super().__init__()
        self.stride, self.padding = stride, width - inner
        self.conv1 = conv(inner, width, stride, inner)
        self.bn1 = nn.BatchNorm3d(width)
        self.conv2 = conv(width, width, 1, inner)
        self.bn2 = nn.BatchNorm3d(width)
        self.downsample: nn.Module | None = None
        if shortcut == "b" and (stride != 1 or inner != width):
            self.downsample = nn.Sequential(
                nn.Conv3d(inner, width, 1, stride, bias=False), nn.BatchNorm3d(width)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(B, inner, t, h, w) -> (B, width, t', h', w')."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + self._short(x))

    def _short(self, x: Tensor) -> Tensor:
        if self.downsample is not None:
            short: Tensor = self.downsample(x)
            return short
        step = self.stride
        x = x[:, :, ::step, ::step, ::step]
        return F.pad(x, (0, 0, 0, 0, 0, 0, 0, self.padding)) if self.padding else x


class ResNet3d(nn.Module):
    """A 3D ResNet's trunk: (B, T, 3, H, W) -> (B, dim), `dim` 512 for a `width` of 64.

    `stem` turns (B, 3, T, H, W) into (B, width, t, h, w). Four stages of `depths` blocks follow; all but the
    first halve time and space. Convolutions start Kaiming-normal (fan out). `shortcut` is "a" or "b".
    """

    def __init__(
        self,
        stem: nn.Module,
        conv: Conv = cube,
        shortcut: str = "b",
        width: int = 64,
        depths: Sequence[int] = (2, 2, 2, 2),
    ) -> None:
        super().__init__()
        self.stem = stem
        inner = width
        for i, depth in enumerate(depths):
            blocks = []
            for j in range(depth):
                blocks.append(Block(inner, width << i, 2 if i and not j else 1, conv, shortcut))
                inner = width << i
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
        self.dim = inner
        kaiming_fan_out(self)

    def maps(self, video: Tensor) -> Tensor:
        """(B, T, 3, H, W) -> (B, dim, t, h, w), the last map."""
        x: Tensor = self.stem(video.transpose(1, 2))
        for i in range(1, 5):
            x = self.get_submodule(f"layer{i}")(x)
        return x

    def forward(self, video: Tensor) -> Tensor:
        """(B, T, 3, H, W) -> (B, dim), averaged over the last map."""
        return self.maps(video).mean((2, 3, 4))


def hara_stem(width: int = 64) -> nn.Sequential:
    """7x7x7, stride 2 in space, then max-pooling by 2 in time and space."""
    conv = nn.Conv3d(3, width, 7, (1, 2, 2), 3, bias=False)
    return nn.Sequential(conv, nn.BatchNorm3d(width), nn.ReLU(), nn.MaxPool3d(3, 2, 1))


def torchvision_stem(width: int = 64) -> nn.Sequential:
    """3x7x7, stride 2 in space, without pooling."""
    conv = nn.Conv3d(3, width, (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=False)
    return nn.Sequential(conv, nn.BatchNorm3d(width), nn.ReLU())


STEMS = {"hara": hara_stem, "torchvision": torchvision_stem}


def resnet3d18(variant: str = "hara", shortcut: str = "b", width: int = 64) -> ResNet3d:
    """The trunk of the 3D ResNet18 of that variant, "hara" or "torchvision"."""
    return ResNet3d(STEMS[variant](width), shortcut=shortcut, width=width)


def in_hara(name: str) -> str:
    """What Hara's released code calls a tensor of a trunk."""
    return re.sub(r"^stem\.([01])\.", lambda m: ("conv1.", "bn1.")[int(m[1])], name)


def in_torchvision(name: str) -> str:
    """What torchvision's `r3d_18` calls it."""
    return re.sub(r"\.(conv|bn)(\d)\.", lambda m: f".conv{m[2]}.{int(m[1] == 'bn')}.", name)
