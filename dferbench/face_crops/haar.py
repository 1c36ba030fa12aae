"""Faces by OpenCV's Haar cascades (Viola and Jones, CVPR 2001), which come with OpenCV up to version 4."""

from __future__ import annotations

import math
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dferbench.errors import ConfigError, DataError
from dferbench.types import Face

MODELS = {name: f"haarcascade_frontalface_{name}.xml" for name in ("default", "alt", "alt2")}
SHORT_SIDE = 360
"""Larger frames are reduced to this shorter side before the search: a face worth cropping is still found."""
LEAST_FACE = 0.1
"""The smallest face that is looked for, as a share of the shorter side."""
MOST_TILT = 30.0
"""Degrees: an upright cascade finds no face that is tilted more, so such a pair is not its eyes."""

Point = tuple[float, float]


class Haar:
    """The largest frontal face of a frame, and its eyes where both are found."""

    def __init__(self, model: str) -> None:
        self.cv2 = _opencv()
        folder = Path(self.cv2.data.haarcascades)
        self.faces = self._cascade(folder / MODELS[model] if model in MODELS else Path(model))
        self.eyes = self._cascade(folder / "haarcascade_eye.xml")

    def _cascade(self, path: Path) -> Any:
        if not path.is_file():
            raise DataError(
                f"{path} is not a file", f"haar takes {', '.join(MODELS)} or the path of an XML file."
            )
        try:
            cascade = self.cv2.CascadeClassifier(str(path))
        except (self.cv2.error, SystemError):
            cascade = None
        if cascade is None or cascade.empty():
            raise DataError(f"{path} is not a cascade that OpenCV can read", "Use haar without a model.")
        return cascade

    def find(self, frame: NDArray[np.uint8], video: str, number: int) -> Face | None:
        """The largest face of (H, W, 3) uint8 RGB; of equal ones the one further left, then higher."""
        grey = self.cv2.cvtColor(np.ascontiguousarray(frame), self.cv2.COLOR_RGB2GRAY)
        height, width = grey.shape
        scale = min(1.0, SHORT_SIDE / min(height, width))
        if scale < 1:
            size = (round(width * scale), round(height * scale))
            grey = self.cv2.resize(grey, size, interpolation=self.cv2.INTER_AREA)
        least = max(20, round(LEAST_FACE * min(grey.shape)))
        found = self.faces.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=5, minSize=(least, least))
        if not len(found):
            return None
        boxes = np.asarray(found).tolist()
        left, top, w, h = min(boxes, key=lambda box: (-box[2] * box[3], box[0], box[1]))
        eyes = self._eyes(grey[top : top + h, left : left + w])
        placed = eyes and tuple(((left + x) / scale, (top + y) / scale) for x, y in eyes)
        return Face((left / scale, top / scale, (left + w) / scale, (top + h) / scale), placed)  # type: ignore[arg-type]

    def _eyes(self, face: NDArray[np.uint8]) -> tuple[Point, Point] | None:
        """The pair in the upper part of a face that is most level; None if there is no likely one."""
        side = face.shape[1]
        upper = np.ascontiguousarray(face[: round(0.6 * face.shape[0])])
        least = max(8, side // 8)
        found = self.eyes.detectMultiScale(upper, scaleFactor=1.1, minNeighbors=3, minSize=(least, least))
        centres = sorted((float(x + w / 2), float(y + h / 2)) for x, y, w, h in found)
        pairs = [(a, b) for a, b in combinations(centres, 2) if _likely(a, b, side)]
        return min(pairs, key=lambda pair: abs(tilt(*pair)), default=None)


def tilt(left: Point, right: Point) -> float:
    """By how many degrees the line between two eyes falls to the right; image rows count downwards."""
    return math.degrees(math.atan2(right[1] - left[1], right[0] - left[0]))


def _likely(left: Point, right: Point, side: int) -> bool:
    """Eyes lie on both sides of a face's middle, a quarter to three fifths of its width apart."""
    apart = math.dist(left, right) / side
    return left[0] < side / 2 < right[0] and 0.25 < apart < 0.6 and abs(tilt(left, right)) < MOST_TILT


def _opencv() -> Any:
    import cv2

    if not hasattr(cv2, "CascadeClassifier") or not hasattr(cv2, "data"):
        raise ConfigError(
            f"OpenCV {cv2.__version__} has no Haar cascades",
            "Install opencv-python-headless below version 5, or use another --finder (dferbench list).",
        )
    # In several threads the search returns its boxes in changing order.
    cv2.setNumThreads(1)
    return cv2
