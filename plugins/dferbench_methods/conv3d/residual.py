"""R(2+1)D-18 (Tran et al., CVPR 2018), and the classifier on top of any 3D ResNet."""

from __future__ import annotations

from torch import Tensor, nn

from dferbench_methods.layers.resnet3d import Conv, ResNet3d


class Headed(nn.Module):
    """Videos (B, T, 3, H, W) -> logits (B, classes): a trunk, and a linear classifier that starts near 0."""

    def __init__(self, trunk: ResNet3d, classes: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.fc = nn.Linear(trunk.dim, classes)
        nn.init.normal_(self.fc.weight, std=0.01)

    def forward(self, video: Tensor) -> Tensor:
        """See the class."""
        logits: Tensor = self.fc(self.trunk(video))
        return logits


def between(inner: int, outer: int, time: int = 3, side: int = 3) -> int:
    """Channels between the two parts of a split convolution, so that it has about as many parameters as the
    whole one of time x side x side (section 3.5)."""
    return time * side**2 * inner * outer // (side**2 * inner + time * outer)


def split(
    inner: int, outer: int, middle: int, time: int, side: int, stride: tuple[int, int]
) -> list[nn.Module]:
    """1 x side x side, batch norm, ReLU, time x 1 x 1; `stride` in time and in space."""
    space = nn.Conv3d(
        inner, middle, (1, side, side), (1, stride[1], stride[1]), (0, side // 2, side // 2), bias=False
    )
    through = nn.Conv3d(middle, outer, (time, 1, 1), (stride[0], 1, 1), (time // 2, 0, 0), bias=False)
    return [space, nn.BatchNorm3d(middle), nn.ReLU(), through]


def split_cube(by_block: bool) -> Conv:
    """A 3x3x3 convolution, split. torchvision counts the middle from what enters the block, for both of its
    convolutions (`by_block`), the paper's code from what enters the convolution."""

    def conv(inner: int, outer: int, stride: int, entering: int) -> nn.Module:
        middle = between(entering if by_block else inner, outer)
        return nn.Sequential(*split(inner, outer, middle, 3, 3, (stride, stride)))

    return conv


def stem(variant: str, width: int) -> nn.Sequential:
    """(B, 3, T, H, W) -> (B, width, t, h, w): Hara's spans seven frames and pools, the others three."""
    hara = variant == "hara"
    time, middle = (7, between(3, width, 7, 7)) if hara else (3, max(45 * width // 64, 1))
    parts = [*split(3, width, middle, time, 7, (1, 2)), nn.BatchNorm3d(width), nn.ReLU()]
    return nn.Sequential(*parts, *([nn.MaxPool3d(3, 2, 1)] if hara else []))


def r2plus1d(midplanes: str = "torchvision", width: int = 64) -> ResNet3d:
    """The trunk of R(2+1)D-18; batch norm divides by at least sqrt(1e-3) in the paper's code ("vmz").

    `midplanes` is "torchvision", "vmz" or "hara".
    """
    trunk = ResNet3d(stem(midplanes, width), split_cube(midplanes == "torchvision"), width=width)
    for part in trunk.modules():
        if isinstance(part, nn.BatchNorm3d) and midplanes == "vmz":
            part.eps = 1e-3
    return trunk
