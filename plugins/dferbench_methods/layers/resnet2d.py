"""ResNets over single frames (He et al., CVPR 2016): the trunk, without a classifier.

Names and layout are those of torchvision's `resnet18`, so that its weights fit tensor by tensor.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F


class Basic(nn.Module):
    """Two 3x3 convolutions and a shortcut: (N, inner, h, w) -> (N, width, h / stride, w / stride)."""

    expansion = 1

    def __init__(self, inner: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inner, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(inner, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inner, h, w) -> (N, width, h', w')."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 to four times the width: (N, inner, h, w) -> (N, 4 width, h / stride, w / stride).

    The 3x3 convolution strides, as in torchvision; in the paper it is the first, see `EarlyBottleneck`.
    """

    expansion = 4
    early = False

    def __init__(self, inner: int, width: int, stride: int) -> None:
        super().__init__()
        outer = width * self.expansion
        self.conv1 = nn.Conv2d(inner, width, 1, stride if self.early else 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1 if self.early else stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outer, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outer)
        self.downsample = _shortcut(inner, outer, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inner, h, w) -> (N, 4 width, h', w')."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class EarlyBottleneck(Bottleneck):
    """The paper's own bottleneck, whose first convolution strides."""

    early = True


class ResNet2d(nn.Module):
    """A ResNet's trunk: (N, 3, H, W) -> (N, dim), `dim` 512 for basic blocks of width 64.

    Four stages of `depths` blocks, `width`, 2, 4 and 8 times `width` wide; all but the first halve the map.
    With `ceil_pool` the first max-pooling is not padded and keeps the last partial window. Convolutions start
    Kaiming-normal (fan out), as in torchvision. Raises ConfigError for a width below 1.
    """

    def __init__(
        self,
        block: type[Basic] | type[Bottleneck] = Basic,
        depths: Sequence[int] = (2, 2, 2, 2),
        width: int = 64,
        ceil_pool: bool = False,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(3, 2, padding=0 if ceil_pool else 1, ceil_mode=ceil_pool)
        inner = width
        for i, depth in enumerate(depths):
            setattr(self, f"layer{i + 1}", _stage(block, inner, width << i, depth, 2 if i else 1))
            inner = (width << i) * block.expansion
        self.dim = inner
        kaiming_fan_out(self)

    def stem(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, width, H / 4, W / 4)."""
        out: Tensor = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        return out

    def stages(self, x: Tensor, first: int, last: int) -> Tensor:
        """A map through the stages `first` to `last`, counted from 1."""
        for i in range(first, last + 1):
            x = self.get_submodule(f"layer{i}")(x)
        return x

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, dim), averaged over the last map."""
        return self.stages(self.stem(x), 1, 4).mean((2, 3))


def kaiming_fan_out(module: nn.Module) -> None:
    """Kaiming-normal numbers (fan out, ReLU) for every convolution in the module, 2D or 3D."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Conv3d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")


def _stage(
    block: type[Basic] | type[Bottleneck], inner: int, width: int, depth: int, stride: int
) -> nn.Sequential:
    first = block(inner, width, stride)
    return nn.Sequential(first, *(block(width * block.expansion, width, 1) for _ in range(depth - 1)))


def _shortcut(inner: int, outer: int, stride: int) -> nn.Module | None:
    """A 1x1 convolution where the shape changes (the paper's option B), else the input itself."""
    if stride == 1 and inner == outer:
        return None
    return nn.Sequential(nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer))
