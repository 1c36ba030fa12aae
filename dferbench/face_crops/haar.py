"""Faces by OpenCV's Haar cascades (Viola and Jones, CVPR 2001), which come with OpenCV up to version 4."""

from __future__ import annotations

import math
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dferbench.errors import ConfigError, DataError
from dferbench.face_crops.steady import tilt
from dferbench.types import Face

MODELS = {name: f"haarcascade_frontalface_{name}.xml" for name in ("default", "alt", "alt2")}
LEAST_FACE = 0.1
"""The smallest face that is looked for, as a share of the shorter side."""
MOST_TILT = 30.0
"""Degrees: an upright cascade finds no face that is tilted more, so such a pair is not its eyes."""

Point = tuple[float, float]


class Haar:
    """The frontal faces of a frame, and their eyes where both are found."""

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

    def find(self, frame: NDArray[np.uint8], video: str, number: int) -> list[Face]:
        """The faces of (H, W, 3) uint8 RGB, the largest first; of equal ones the one further left."""
        grey = self.cv2.cvtColor(np.ascontiguousarray(frame), self.cv2.COLOR_RGB2GRAY)
        least = max(20, round(LEAST_FACE * min(grey.shape)))
        found = self.faces.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=5, minSize=(least, least))
        boxes = sorted(np.asarray(found).reshape(-1, 4).tolist(), key=lambda b: (-b[2] * b[3], b[0], b[1]))
        return [self._face(grey, *box) for box in boxes]

    def _face(self, grey: NDArray[np.uint8], left: int, top: int, width: int, height: int) -> Face:
        eyes = self._eyes(grey[top : top + height, left : left + width])
        box = float(left), float(top), float(left + width), float(top + height)
        if eyes is None:
            return Face(box)
        (x1, y1), (x2, y2) = eyes
        return Face(box, ((left + x1, top + y1), (left + x2, top + y2)))

    def _eyes(self, face: NDArray[np.uint8]) -> tuple[Point, Point] | None:
        """The pair in the upper part of a face that is most level; None if there is no likely one."""
        side = face.shape[1]
        upper = np.ascontiguousarray(face[: round(0.6 * face.shape[0])])
        least = max(8, side // 8)
        found = self.eyes.detectMultiScale(upper, scaleFactor=1.1, minNeighbors=3, minSize=(least, least))
        centres = sorted((float(x + w / 2), float(y + h / 2)) for x, y, w, h in found)
        pairs = [(a, b) for a, b in combinations(centres, 2) if _likely(a, b, side)]
        return min(pairs, key=lambda pair: abs(tilt(*pair)), default=None)


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
