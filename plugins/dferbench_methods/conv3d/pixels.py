"""What pixels a net's weights were trained on, made from the 0..1 RGB that an input gives."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

Three = tuple[float, float, float]


class Scale(NamedTuple):
    """(x - mean) / std on pixels in 0..1, R, G, B; `reverse` then hands them on as B, G, R."""

    mean: Three = (0, 0, 0)
    std: Three = (1, 1, 1)
    reverse: bool = False


def _bytes(blue: float, green: float, red: float) -> Scale:
    """Values in 0..255 less a mean, in the order B, G, R, as Caffe has them."""
    return Scale((red / 255, green / 255, blue / 255), (1 / 255, 1 / 255, 1 / 255), reverse=True)


PIXELS = {
    "unit": Scale(),
    "signed": Scale((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "kinetics": Scale((0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)),
    "hara": Scale((0.4345, 0.4051, 0.3775), (0.2768, 0.2713, 0.2737)),
    "sports1m": _bytes(90.25, 97.66, 101.41),
    "mmaction": _bytes(104, 117, 128),
    "caffe": _bytes(104, 117, 123),
}
"""As the input gives them (0..1); -1..1 (DeepMind's I3D); torchvision's and Hara's moments of Kinetics; what
users of C3D's torch port found its Sports-1M weights to need, and what mmaction feeds them; official P3D."""


class Pixels(nn.Module):
    """Rescales videos (B, T, 3, H, W) in 0..1 RGB by a name of `PIXELS`."""

    mean: Tensor
    std: Tensor

    def __init__(self, name: str) -> None:
        super().__init__()
        self.scale = PIXELS[name]
        for what in ("mean", "std"):
            values = torch.tensor(getattr(self.scale, what)).view(3, 1, 1)
            self.register_buffer(what, values, persistent=False)

    def forward(self, video: Tensor) -> Tensor:
        """(B, T, 3, H, W) -> the same shape."""
        if self.scale == Scale():
            return video
        video = (video - self.mean) / self.std
        return video.flip(2) if self.scale.reverse else video
