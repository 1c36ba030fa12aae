"""P3D (Qiu et al., ICCV 2017): bottlenecks whose 3x3x3 convolution is one in space and one in time."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from dferbench import ConfigError
from dferbench_methods.layers.resnet2d import EarlyBottleneck, kaiming_fan_out

DEPTHS = {63: (3, 4, 6, 3), 131: (3, 4, 23, 3), 199: (3, 8, 36, 3)}
"""Blocks of the four stages."""
KINDS = "ABC"


class Pseudo3d(nn.Module):
    """One block, (B, inner, t, h, w) -> (B, 4 planes, t, h / stride, w / stride).

    S is the convolution in space and T the one in time, each with its batch norm. Kind A: relu(T relu(S x)).
    B: relu(relu(S x) + T x). C: relu(u + T u) with u = relu(S x). The torch port has S + relu(T) for the sums
    of B and C: `relu` is "official" or "port".
    """

    def __init__(self, inner: int, planes: int, stride: int, kind: str, relu: str) -> None:
        super().__init__()
        self.kind, self.port = kind, relu == "port"
        step = (1, stride, stride)
        self.conv1 = nn.Conv3d(inner, planes, 1, step, bias=False)
        self.bn1 = nn.BatchNorm3d(planes)
        self.conv2 = nn.Conv3d(planes, planes, (1, 3, 3), padding=(0, 1, 1), bias=False)
        self.bn2 = nn.BatchNorm3d(planes)
        self.conv3 = nn.Conv3d(planes, planes, (3, 1, 1), padding=(1, 0, 0), bias=False)
        self.bn3 = nn.BatchNorm3d(planes)
        self.conv4 = nn.Conv3d(planes, 4 * planes, 1, bias=False)
        self.bn4 = nn.BatchNorm3d(4 * planes)
        self.downsample: nn.Module | None = None
        if inner != 4 * planes:
            conv = nn.Conv3d(inner, 4 * planes, 1, step, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm3d(4 * planes))

    def mixed(self, x: Tensor) -> Tensor:
        """(B, planes, t, h, w) -> the same shape: space and time, in the order of the block's kind."""
        space = F.relu(self.bn2(self.conv2(x)))
        time = self.bn3(self.conv3(x if self.kind == "B" else space))
        if self.kind == "A":
            return F.relu(time)
        return space + F.relu(time) if self.port else F.relu(space + time)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inner, t, h, w) -> (B, 4 planes, t, h', w')."""
        y = self.mixed(F.relu(self.bn1(self.conv1(x))))
        y = self.bn4(self.conv4(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class P3D(nn.Module):
    """Videos (B, T, 3, H, W) -> logits (B, classes); the four halvings of time must leave one step.

    The last map is averaged whatever its size. Convolutions start Kaiming-normal (fan out), the
    classifier near zero. Raises ConfigError unless T is 16 to 31.
    """

    def __init__(
        self, classes: int, frames: int = 16, depth: int = 63, relu: str = "official", dropout: float = 0.5,
        width: int = 64,
    ) -> None:  # fmt: skip
        super().__init__()
        _check(frames)
        self.conv1_custom = nn.Conv3d(3, width, (1, 7, 7), (1, 2, 2), (0, 3, 3), bias=False)
        self.bn1 = nn.BatchNorm3d(width)
        inner, number = width, 0
        for i, blocks in enumerate(DEPTHS[depth]):
            stage = nn.Sequential()
            for j in range(blocks):
                sizes = (inner, width << i, 2 if i and not j else 1)
                kind = KINDS[number % 3]
                # The last stage has no time, and a ResNet's own blocks.
                stage.append(EarlyBottleneck(*sizes) if i == 3 else Pseudo3d(*sizes, kind, relu))
                inner, number = 4 * width << i, number + 1
            self.add_module(f"layer{i + 1}", stage)
        self.dropout = dropout
        self.fc = nn.Linear(inner, classes)
        kaiming_fan_out(self)
        nn.init.normal_(self.fc.weight, std=0.01)

    def maps(self, video: Tensor) -> Tensor:
        """(B, T, 3, H, W) -> the last map (B, 32 width, H / 32, W / 32)."""
        x = F.relu(self.bn1(self.conv1_custom(video.transpose(1, 2))))
        x = F.max_pool3d(x, (2, 3, 3), 2, (0, 1, 1))
        for i in range(1, 4):
            x = F.max_pool3d(self.get_submodule(f"layer{i}")(x), (2, 1, 1))
        last: Tensor = self.get_submodule("layer4")(x.squeeze(2))
        return last

    def forward(self, video: Tensor) -> Tensor:
        """(B, T, 3, H, W) -> logits (B, classes)."""
        pooled = self.maps(video).mean((2, 3))
        logits: Tensor = self.fc(F.dropout(pooled, self.dropout, self.training))
        return logits


def _check(frames: int) -> None:
    if frames // 16 != 1:
        raise ConfigError(
            f"P3D halves the time axis four times, which must leave one step, and {frames} frames do not",
            "Use input.frames=16.",
        )
