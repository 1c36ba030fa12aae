"""Occlusion sensitivity (Zeiler and Fergus, ECCV 2014, section 4.2): by how much the log-odds of a class fall
when a part of the video is covered with the video's mean colour."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dferbench import stopping
from dferbench.explaining.explanation import Heat

BATCH = 4
"""Covered videos that the model sees at a time."""
Logits = Callable[[Tensor], Tensor]


def log_odds(logits: Tensor, chosen: int) -> Tensor:
    """(B, C) -> (B,) float64: log p / (1 - p) of a class, which tells small changes where p is near one."""
    wide = logits.double()
    others = torch.cat([wide[:, :chosen], wide[:, chosen + 1 :]], dim=1)
    return wide[:, chosen] - others.logsumexp(1)


def occluded(logits: Logits, video: Tensor, chosen: int, grid: int) -> Heat:
    """The heat of a normalised video (1, T, 3, size, size): one frame covered at a time, and then each of
    `grid` by `grid` patches, covered in all frames.

    `logits` gives those of videos (B, C).
    """
    whole = float(log_odds(logits(video), chosen)[0])
    colour = video.mean(dim=(1, 3, 4))[0]  # (3,)
    frames = video.shape[1]
    time = whole - _scores(logits, _without_frames(video, colour), chosen)
    space = whole - _scores(logits, _without_patches(video, colour, grid), chosen)
    return Heat(time, np.broadcast_to(space.reshape(1, grid, grid), (frames, grid, grid)))


def _scores(logits: Logits, videos: Iterator[Tensor], chosen: int) -> NDArray[np.float64]:
    found: list[Tensor] = []
    while batch := [video for _, video in zip(range(BATCH), videos, strict=False)]:
        stopping.check()
        found.append(log_odds(logits(torch.cat(batch)), chosen).cpu())
    return torch.cat(found).numpy()


def _without_frames(video: Tensor, colour: Tensor) -> Iterator[Tensor]:
    for t in range(video.shape[1]):
        covered = video.clone()
        covered[:, t] = colour.view(3, 1, 1)
        yield covered


def _without_patches(video: Tensor, colour: Tensor, grid: int) -> Iterator[Tensor]:
    edges = [round(i * video.shape[-1] / grid) for i in range(grid + 1)]
    spans = list(pairwise(edges))
    for top, bottom in spans:
        for left, right in spans:
            covered = video.clone()
            covered[..., top:bottom, left:right] = colour.view(3, 1, 1)
            yield covered
