"""Random erasing (Zhong et al., AAAI 2020): a box of a video becomes noise."""

from __future__ import annotations

import math

import torch
from torch import Tensor

AREA = (0.02, 1 / 3)
"""The smallest and the largest share of the frame that a box has."""
ASPECT = (0.3, 1 / 0.3)
"""Height over width, drawn evenly on a logarithmic scale."""
TRIES = 100


class Erase:
    """With probability `p` a video loses a box, the same in every frame, to noise from N(0, 1), anew in every
    pixel: as in MAE-DFER's released code, on pixels that are normalised already. All is drawn from torch's
    global generator."""

    def __init__(self, p: float) -> None:
        self.p = p

    def __call__(self, x: Tensor) -> Tensor:
        """(B, T, 3, H, W) -> the same shape; the given tensor stays as it is."""
        if not self.p:
            return x
        chosen = (torch.rand(len(x)) < self.p).tolist()
        if not any(chosen):
            return x
        x = x.clone()
        for video in (video for video, erased in zip(x, chosen, strict=True) if erased):
            box = _box(*video.shape[-2:])
            if box is not None:
                top, left, high, wide = box
                video[..., top : top + high, left : left + wide].normal_()
        return x


def _box(high: int, wide: int) -> tuple[int, int, int, int] | None:
    """Top, left, height and width of a box that is smaller than the frame; None if none could be found."""
    low, top = map(math.log, ASPECT)
    for _ in range(TRIES):
        share, place = torch.rand(2).tolist()
        area = (AREA[0] + (AREA[1] - AREA[0]) * share) * high * wide
        aspect = math.exp(low + (top - low) * place)
        h, w = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if h < high and w < wide:
            return int(torch.randint(high - h + 1, ())), int(torch.randint(wide - w + 1, ())), h, w
    return None
