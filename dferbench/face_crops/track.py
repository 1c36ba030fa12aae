"""Following the face of a video: where its crop is in every frame, with one size throughout.

The face is looked for in every k-th frame. Between those, and where it was not found, the crop moves evenly;
its side is the same in all frames, so that the face never seems to breathe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dferbench.data.decoders import stream
from dferbench.errors import VideoError
from dferbench.face_crops.haar import tilt
from dferbench.types import Face, FindFace

MEDIAN = 5
"""Over how many looks the median is taken, which drops a single wrong find."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Following:
    """How a face is followed: looked for in every `every`-th frame and found in a share of at least `least`
    of them; the side of the crop is the face's and `margin` of it more; `align` levels the eyes."""

    every: int = 5
    least: float = 0.5
    margin: float = 0.3
    align: bool = False


@dataclass(frozen=True)
class Look:
    """One look at a frame: its number, and the face that was found there."""

    number: int
    face: Face | None


@dataclass(frozen=True)
class Track:
    """A crop in each frame: `centres` (N, 2) and `side` in pixels; `tilts` (N,) in degrees are turned back.

    `size` is the (width, height) of the frames, `looked` and `found` say how often the face was looked for
    and found.
    """

    centres: Floats
    tilts: Floats
    side: float
    size: tuple[int, int]
    looked: int
    found: int


def follow(path: str, video: str, find: FindFace, how: Following) -> Track:
    """Where the face is in each frame of the video at `path`, which the finder knows as `video`.

    Raises VideoError if the video cannot be read, if its frames differ in size, or if too few of the looks
    found a face.
    """
    looks: list[Look] = []
    size, number = (0, 0), 0
    for frame in stream(path):
        number = frame.number
        if number % how.every:
            continue
        image = frame.image()
        size = same_size(path, size, image)
        face = find(image, video, number)
        looks.append(Look(number, face if face is not None and _in_sight(face, size) else None))
    return settle(path, looks, number + 1, size, how)


def same_size(path: str, size: tuple[int, int], image: NDArray[np.uint8]) -> tuple[int, int]:
    """The (width, height) of `image`, which must be `size` unless that is (0, 0). Raises VideoError."""
    height, width = image.shape[:2]
    if size not in ((0, 0), (width, height)):
        raise VideoError(path, f"its frames differ in size ({size[0]} x {size[1]} and {width} x {height})")
    return width, height


def _in_sight(face: Face, size: tuple[int, int]) -> bool:
    """Whether the box is one (finite, not empty) and overlaps the frame."""
    left, top, right, bottom = face.box
    return (
        0 < right - left < np.inf
        and 0 < bottom - top < np.inf
        and bool(left < size[0] and top < size[1] and right > 0 and bottom > 0)
    )


def settle(path: str, looks: Sequence[Look], count: int, size: tuple[int, int], how: Following) -> Track:
    """The track of `count` frames that some looks give. Raises VideoError if too few found a face."""
    found = [(look.number, look.face) for look in looks if look.face is not None]
    if not found or len(found) < how.least * len(looks):
        raise VideoError(
            path,
            f"a face was found in {len(found)} of the {len(looks)} frames that were looked at, "
            f"where a share of {how.least:g} is wanted",
        )
    numbers = np.array([number for number, _ in found])
    boxes = np.array([face.box for _, face in found])
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    longer = (boxes[:, 2:] - boxes[:, :2]).max(1)
    # A square that left the frame would show what is not in the video.
    side = min(float(np.median(longer)) * (1 + how.margin), *size)
    half = side / 2
    centres = [
        np.clip(_smooth(numbers, middles[:, i], count, how.every), half, size[i] - half) for i in (0, 1)
    ]
    tilts = _tilts([face for _, face in found], numbers, count, how)
    return Track(np.stack(centres, 1), tilts, side, size, len(looks), len(found))


def _tilts(faces: Sequence[Face], numbers: NDArray[np.int64], count: int, how: Following) -> Floats:
    """The tilt of the eyes in each frame; none where they were seen in less than half of the faces."""
    seen = [i for i, face in enumerate(faces) if face.eyes is not None]
    if not how.align or 2 * len(seen) < len(faces):
        return np.zeros(count)
    values = np.array([tilt(*face.eyes) for face in faces if face.eyes is not None])
    return _smooth(numbers[seen], values, count, how.every)


def _smooth(numbers: NDArray[np.int64], values: Floats, count: int, every: int) -> Floats:
    """(count,) values through a running median of the looks, even steps between them, and a running mean."""
    reach = MEDIAN // 2
    calm = [float(np.median(values[max(0, i - reach) : i + reach + 1])) for i in range(len(values))]
    steps = np.interp(np.arange(count), numbers, calm)
    width = 2 * every + 1
    padded = np.pad(steps, every, mode="edge")
    sums = np.cumsum(np.concatenate([[0.0], padded]))
    smooth: Floats = (sums[width:] - sums[:-width]) / width
    return smooth
