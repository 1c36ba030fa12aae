"""Faces by YuNet (Wu et al., Machine Intelligence Research 2023): OpenCV runs the user's model file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dferbench.errors import ConfigError, DataError
from dferbench.types import Face

WHERE = (
    "Get face_detection_yunet_2023mar.onnx from the model zoo of OpenCV (opencv_zoo), put it anywhere, "
    "and write --finder 'yunet(model=PATH)'."
)


class YuNet:
    """The largest face of a frame with its eyes."""

    def __init__(self, model: str, score: float) -> None:
        if isinstance(score, bool) or not isinstance(score, int | float) or not 0 < score < 1:
            raise ConfigError(f"yunet: score is {score!r}", "Give a number between 0 and 1.")
        if not Path(model).is_file():
            raise DataError(f"yunet has no model file{f' {model}' if model else ''}", WHERE)
        import cv2

        cv2.setNumThreads(1)
        self.cv2 = cv2
        try:
            self.network: Any = cv2.FaceDetectorYN.create(model, "", (320, 320), score)
        except cv2.error as error:
            raise DataError(f"{model} is not a YuNet model that OpenCV can read", WHERE) from error

    def find(self, frame: NDArray[np.uint8], video: str, number: int) -> Face | None:
        """The largest face of (H, W, 3) uint8 RGB. Raises DataError if the model is for something else."""
        height, width = frame.shape[:2]
        try:
            self.network.setInputSize((width, height))
            _, found = self.network.detect(
                self.cv2.cvtColor(np.ascontiguousarray(frame), self.cv2.COLOR_RGB2BGR)
            )
        except self.cv2.error as error:
            raise DataError("the model file is not a YuNet network", WHERE) from error
        return None if found is None else largest(found)


def largest(found: NDArray[np.float32]) -> Face:
    """The largest of OpenCV's rows (N, 15): x, y, width, height, five points (the eyes first), score."""
    x, y, w, h, *points = (float(v) for v in min(found, key=lambda row: (-row[2] * row[3], row[0], row[1])))
    first, second = sorted([(points[0], points[1]), (points[2], points[3])])
    return Face((x, y, x + w, y + h), (first, second))
