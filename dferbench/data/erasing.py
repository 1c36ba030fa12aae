"""Random erasing behind the normalisation, where noise can take the place of pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from dferbench.data.augment import place
from dferbench.data.ranges import require_probability, require_range

if TYPE_CHECKING:
    from torch import Tensor

TRIES = 100
"""How often a box is drawn before a video stays as it is."""


@dataclass(frozen=True)
class NoiseErasing:
    """With probability `p` a video loses a box, the same in every frame, to noise from N(0, 1) that is drawn
    anew for every value: random erasing (Zhong et al., AAAI 2020) in timm's mode "pixel", as the released
    loaders of VideoMAE and its kin have it.

    The box has U(scale) of the area, and an aspect, height to width, whose logarithm is uniform within
    `ratio`; it is smaller than the frame.
    """

    relabels: ClassVar[bool] = False
    p: float = 0.25
    scale: tuple[float, float] = (0.02, 1 / 3)
    ratio: tuple[float, float] = (0.3, 1 / 0.3)

    def __post_init__(self) -> None:
        require_probability("noise-erasing: p", self.p)
        require_range("noise-erasing: scale", self.scale, 0, 1)
        require_range("noise-erasing: ratio", self.ratio, 0.01, 100)

    def mix(self, videos: Tensor, target: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """(B, T, 3, H, W) -> the same shape; the targets stay."""
        import torch

        generator = torch.Generator(videos.device).manual_seed(int(rng.integers(2**63)))
        high, wide = videos.shape[-2:]
        videos = videos.clone()
        for video in videos:
            box = self._box(high, wide, rng) if rng.random() < self.p else None
            if box is not None:
                left, top, right, bottom = box
                video[..., top:bottom, left:right].normal_(generator=generator)
        return videos, target

    def _box(self, high: int, wide: int, rng: np.random.Generator) -> tuple[int, int, int, int] | None:
        """Left, top, right and bottom; None if no box was small enough."""
        low, top = map(math.log, self.ratio)
        for _ in range(TRIES):
            area = rng.uniform(*self.scale) * high * wide
            aspect = math.exp(rng.uniform(low, top))
            h, w = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < h < high and 0 < w < wide:
                return place(wide, high, w, h, rng)
        return None
