"""How every verb looks for faces: each finder gets frames of one size, and what it says is checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dferbench import spec
from dferbench.face_crops.finders import SHORT_SIDE
from dferbench.types import Face, FindFace

if TYPE_CHECKING:
    from dferbench.registry.catalog import Catalog

Pixels = NDArray[np.uint8]
Box = tuple[float, float, float, float]
Eyes = tuple[tuple[float, float], tuple[float, float]] | None


@dataclass(frozen=True)
class Finder:
    """A face finder and the shorter side of the frames that it sees, None for frames as they are."""

    find: FindFace
    short_side: int | None = SHORT_SIDE

    def faces(self, frame: Pixels, video: str, number: int) -> tuple[Face, ...]:
        """The faces in (H, W, 3) uint8 RGB, in its pixels and cut off at its edges, in the finder's order.

        A frame is reduced, never enlarged. What is not a box (infinite, empty, outside) does not count.
        """
        height, width = frame.shape[:2]
        seen = reduced(frame, self.short_side)
        # Width and height are rounded one by one, so each has a factor of its own.
        scale = width / seen.shape[1], height / seen.shape[0]
        placed = (_scaled(face, scale) for face in _listed(self.find(seen, video, number)))
        boxes = ((within(face.box, (width, height)), face.eyes) for face in placed)
        return tuple(Face(box, eyes) for box, eyes in boxes if box is not None)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that the finder reads without being told of them, such as the weights of a package."""
        return tuple(getattr(self.find, "files", ()))


def make_finder(text: str, catalog: Catalog) -> Finder | None:
    """The finder that `name(option=value)` names; None if frames stay whole.

    Raises ConfigError for options that it does not take, UnknownName, and what building it raises.
    """
    find = catalog.make("face_finders", text)
    facts = catalog.get("face_finders", spec.parse_one(text).name).facts
    return None if find is None else Finder(find, facts.get("short_side", SHORT_SIDE))


def reduced(frame: Pixels, short_side: int | None) -> Pixels:
    """The frame with a shorter side of at most `short_side` pixels, by the mean of the pixels it covers."""
    height, width = frame.shape[:2]
    if short_side is None or min(height, width) <= short_side:
        return frame
    import cv2

    scale = short_side / min(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(np.ascontiguousarray(frame), size, interpolation=cv2.INTER_AREA), np.uint8)


def within(box: Iterable[float], size: tuple[int, int]) -> Box | None:
    """The part of a box that lies in an image of `size` (width, height); None if there is none."""
    left, top, right, bottom = (float(side) for side in box)
    if not np.isfinite((left, top, right, bottom)).all():
        return None
    left, top, right, bottom = max(left, 0.0), max(top, 0.0), min(right, size[0]), min(bottom, size[1])
    return (left, top, right, bottom) if left < right and top < bottom else None


def overlap(one: Box, other: Box) -> float:
    """The intersection of two boxes over their union, from 0 to 1."""
    left, top = max(one[0], other[0]), max(one[1], other[1])
    right, bottom = min(one[2], other[2]), min(one[3], other[3])
    shared = max(0.0, right - left) * max(0.0, bottom - top)
    return shared / (area(one) + area(other) - shared) if shared else 0.0


def area(box: Box) -> float:
    """The area of a box in square pixels."""
    return (box[2] - box[0]) * (box[3] - box[1])


def _listed(found: Face | Iterable[Face] | None) -> list[Face]:
    """What a finder may return: one face, several, or None."""
    if found is None:
        return []
    return [found] if isinstance(found, Face) else list(found)


def _scaled(face: Face, scale: tuple[float, float]) -> Face:
    by = _by(*scale)
    (left, top), (right, bottom) = by(face.box[:2]), by(face.box[2:])
    eyes: Eyes = (by(face.eyes[0]), by(face.eyes[1])) if face.eyes is not None else None
    return Face((left, top, right, bottom), eyes)


def _by(across: float, down: float) -> Callable[[tuple[float, float]], tuple[float, float]]:
    return lambda point: (point[0] * across, point[1] * down)
