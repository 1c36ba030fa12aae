"""A steady crop: one side, and a calm way, through the frames in which one face is followed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dferbench.face_crops.links import Sighting

MEDIAN = 5
"""Over how many looks the median is taken, which drops a single wrong find."""

Floats = NDArray[np.float64]
Point = tuple[float, float]


def side_of(seen: Sequence[Sighting], margin: float) -> float:
    """The side of the crop in pixels: the median of the faces' longer sides, and a margin of it more."""
    boxes = np.array([one.face.box for one in seen])
    longer = (boxes[:, 2:] - boxes[:, :2]).max(1)
    return float(np.median(longer)) * (1 + margin)


def middles(seen: Sequence[Sighting], frames: range, every: int) -> Floats:
    """The middle of the face in each of `frames`, (N, 2) in pixels."""
    boxes = np.array([one.face.box for one in seen])
    values = (boxes[:, :2] + boxes[:, 2:]) / 2
    numbers = np.array([one.number for one in seen])
    return np.stack([_smooth(numbers, values[:, i], frames, every) for i in (0, 1)], 1)


def tilts(seen: Sequence[Sighting], frames: range, every: int) -> Floats:
    """The tilt of the eyes in each of `frames`, (N,) in degrees; 0 if under half of the faces show them."""
    with_eyes = [(one.number, tilt(*one.face.eyes)) for one in seen if one.face.eyes is not None]
    if 2 * len(with_eyes) < len(seen):
        return np.zeros(len(frames))
    numbers, values = zip(*with_eyes, strict=True)
    return _smooth(np.array(numbers), np.array(values), frames, every)


def tilt(left: Point, right: Point) -> float:
    """By how many degrees the line between two eyes falls to the right; image rows count downwards."""
    return math.degrees(math.atan2(right[1] - left[1], right[0] - left[0]))


def _smooth(numbers: NDArray[np.int64], values: Floats, frames: range, every: int) -> Floats:
    """(N,) values through a running median of the looks, even steps between them, and a running mean."""
    reach = MEDIAN // 2
    calm = [float(np.median(values[max(0, i - reach) : i + reach + 1])) for i in range(len(values))]
    steps = np.interp(np.array(frames), numbers, calm)
    width = 2 * every + 1
    padded = np.pad(steps, every, mode="edge")
    sums = np.cumsum(np.concatenate([[0.0], padded]))
    smooth: Floats = (sums[width:] - sums[:-width]) / width
    return smooth
