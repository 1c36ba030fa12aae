"""Further boxes that a training video may be cut to, each resized to the final size."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dferbench.data.augment import TRIES, Box, Crop, place
from dferbench.data.ranges import require_number, require_range


@dataclass(frozen=True)
class Resize:
    """The whole frame, resized to the final square and ignoring the aspect ratio, as in testing.

    It belongs before operations that depend on the size of the pixels, where a paper resizes first.
    """

    def draw(self, width: int, height: int, size: int, rng: np.random.Generator) -> Crop:
        """The whole frame; nothing is drawn."""
        return Crop((0, 0, width, height))


@dataclass(frozen=True)
class CenterCrop:
    """The square in the middle, its side `scale` times the shorter side of the frame."""

    scale: float = 1.0

    def __post_init__(self) -> None:
        require_number("center-crop: scale", self.scale, 0.01, 1)

    def draw(self, width: int, height: int, size: int, rng: np.random.Generator) -> Crop:
        """The box; nothing is drawn."""
        side = max(round(self.scale * min(width, height)), 1)
        return Crop(_centred(width, height, side, side))


@dataclass(frozen=True)
class RandomResizedCrop:
    """A box of random area and aspect, resized to the final size, as torchvision's transform of that name and
    the loaders of VideoMAE draw it.

    The box has U(scale) of the area, and an aspect, width to height, whose logarithm is uniform within
    `ratio`. If none of ten fits, it is the largest one in the middle whose aspect lies within `ratio`.
    Unlike `random-sized-crop` it never swaps the sides.
    """

    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)

    def __post_init__(self) -> None:
        require_range("random-resized-crop: scale", self.scale, 0, 1)
        require_range("random-resized-crop: ratio", self.ratio, 0.01, 100)

    def draw(self, width: int, height: int, size: int, rng: np.random.Generator) -> Crop:
        """One box."""
        low, high = map(math.log, self.ratio)
        for _ in range(TRIES):
            area = rng.uniform(*self.scale) * width * height
            aspect = math.exp(rng.uniform(low, high))
            w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < w <= width and 0 < h <= height:
                return Crop(place(width, height, w, h, rng))
        return Crop(self._middle(width, height))

    def _middle(self, width: int, height: int) -> Box:
        low, high = self.ratio
        if width / height < low:
            return _centred(width, height, width, min(round(width / low), height))
        if width / height > high:
            return _centred(width, height, min(round(height * high), width), height)
        return 0, 0, width, height


def _centred(width: int, height: int, w: int, h: int) -> Box:
    left, top = (width - w) // 2, (height - h) // 2
    return left, top, left + w, top + h
