"""C3D (Tran et al., ICCV 2015): eight 3x3x3 convolutions, five poolings and three linear layers."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from dferbench import ConfigError

LAYERS = {"1": 1, "2": 2, "3a": 4, "3b": 4, "4a": 8, "4b": 8, "5a": 8, "5b": 8}
"""The convolutions, and how many times `width` channels each gives."""
POOLED = ("1", "2", "3b", "4b", "5b")
"""Those that are followed by max-pooling."""
SMALLEST = 16


class C3D(nn.Module):
    """Videos (B, T, 3, H, W) -> logits (B, classes), H = W = `size`, T = `frames`.

    16 frames of 112 x 112 become 1 x 4 x 4 in the end, 8192 features; other sizes change the first linear
    layer. Layers start Kaiming-normal (fan in), the last one near zero, biases at zero, which the paper does
    not say: without batch norm torch's default lets the signal fade. Raises ConfigError below 16 frames or 16
    pixels.
    """

    def __init__(
        self, classes: int, frames: int = 16, size: int = 112, bn: bool = False, dropout: float = 0.5,
        width: int = 64,
    ) -> None:  # fmt: skip
        super().__init__()
        if min(frames, size) < SMALLEST:
            raise ConfigError(
                f"C3D's poolings leave nothing of {frames} frames of {size} x {size}",
                "Give it at least input.frames=16 and input.size=16; it was made for 16 and 112.",
            )
        inner = 3
        for name, times in LAYERS.items():
            self.add_module(f"conv{name}", nn.Conv3d(inner, times * width, 3, padding=1))
            if bn:
                self.add_module(f"bn{name}", nn.BatchNorm3d(times * width))
            inner = times * width
        self.bn, self.dropout = bn, dropout
        # The fifth pooling is padded in space, so that 7 x 7 become 4 x 4.
        self.fc6 = nn.Linear(inner * (frames // 16) * (size // 32 + 1) ** 2, 64 * width)
        self.fc7 = nn.Linear(64 * width, 64 * width)
        self.fc8 = nn.Linear(64 * width, classes)
        _kaiming(self)

    def convolved(self, video: Tensor) -> Tensor:
        """(B, T, 3, H, W) -> the last map (B, 8 width, T / 16, h, w)."""
        x = video.transpose(1, 2)
        for name in LAYERS:
            x = self.get_submodule(f"conv{name}")(x)
            if self.bn:
                x = self.get_submodule(f"bn{name}")(x)
            x = F.relu(x)
            if name in POOLED:
                x = _pooled(x, name)
        return x

    def forward(self, video: Tensor) -> Tensor:
        """(B, T, 3, H, W) -> logits (B, classes)."""
        x = self.convolved(video).flatten(1)
        for layer in (self.fc6, self.fc7):
            x = F.dropout(F.relu(layer(x)), self.dropout, self.training)
        logits: Tensor = self.fc8(x)
        return logits


def _pooled(x: Tensor, name: str) -> Tensor:
    """The first pooling leaves time alone."""
    window = (1, 2, 2) if name == "1" else (2, 2, 2)
    return F.max_pool3d(x, window, padding=(0, 1, 1) if name == "5b" else 0)


def _kaiming(net: C3D) -> None:
    for part in net.modules():
        if isinstance(part, nn.Conv3d | nn.Linear) and part.bias is not None:
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
            nn.init.zeros_(part.bias)
    nn.init.normal_(net.fc8.weight, std=0.01)
