"""From bytes to what a model gets: floats from 0 to 1, normalised by mean and deviation of the channels."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from dferbench.errors import UnknownName

Moments = tuple[tuple[float, float, float], tuple[float, float, float]]
NORMALIZE: dict[str, Moments | None] = {
    "none": None,
    "clip": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
"""Mean and standard deviation of R, G, B in 0..1: none, OpenAI CLIP's, torchvision's."""


def moments(normalize: str) -> Moments | None:
    """The mean and deviation of that name. Raises UnknownName."""
    if normalize not in NORMALIZE:
        raise UnknownName("normalisation", normalize, NORMALIZE)
    return NORMALIZE[normalize]


def to_float(frames: Tensor, normalize: str, device: torch.device | str) -> Tensor:
    """uint8 (B, T, H, W, 3) -> float32 (B, T, 3, H, W) on the device, in 0..1, then normalised.

    Raises UnknownName for a normalisation that is not in NORMALIZE.
    """
    chosen = moments(normalize)
    pixels = frames.to(device, non_blocking=True).permute(0, 1, 4, 2, 3).contiguous().float().div_(255)
    if chosen is None:
        return pixels
    mean, std = _on_device(chosen, pixels.device)
    return pixels.sub_(mean).div_(std)


@cache
def _on_device(chosen: Moments, device: torch.device) -> tuple[Tensor, Tensor]:
    """Copied once: a device stops for every small copy from ordinary memory."""
    mean, std = (torch.tensor(m, device=device).view(3, 1, 1) for m in chosen)
    return mean, std
