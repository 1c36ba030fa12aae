"""The host's own face finders by name; what is heavy is imported when one is built."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dferbench.types import Face, FindFace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHORT_SIDE = 360
"""Larger frames are reduced to this shorter side: detectors are made for faces of some 10 to 300 pixels."""


def none() -> None:
    """No search: every frame stays whole, as when the videos are face crops already."""


def center() -> FindFace:
    """No search: the largest square in the middle of each frame."""

    def find(frame: NDArray[np.uint8], video: str, number: int) -> Face:
        height, width = frame.shape[:2]
        side = min(height, width)
        left, top = (width - side) / 2, (height - side) / 2
        return Face((left, top, left + side, top + side))

    return find


def boxes(path: str = "") -> FindFace:
    """Boxes from a file: CSV with the columns video, left, top, right, bottom and perhaps frame, or JSON.

    `video` is the path below the searched folder, `frame` counts from 0. Between two frames with a box the
    box moves evenly; one box without a frame holds for the whole video. JSON holds
    {video: [left, top, right, bottom]} or {video: {frame: [left, top, right, bottom]}}.
    Raises ConfigError for a file that says anything else and DataError for one that cannot be read.
    """
    from dferbench.face_crops.boxes import read_boxes

    return read_boxes(path)


def haar(model: str = "default") -> FindFace:
    """OpenCV's Haar cascade for frontal faces, and its cascade for eyes.

    `model` is default, alt or alt2, or an XML file. It works offline; on faces seen from the side it is
    weak. Raises ConfigError if the installed OpenCV has no cascades and DataError for a file that is none.
    """
    from dferbench.face_crops.haar import Haar

    return Haar(model).find


def yunet(model: str = "", score: float = 0.6) -> FindFace:
    """OpenCV's YuNet network, face and eyes; `model` is its ONNX file, `score` the least that counts.

    Without a model it is the file that the extra `faces` installs. Raises DataError for a file that is
    missing or is no such network.
    """
    from dferbench.face_crops.yunet import YuNet

    return YuNet(model, score)


FINDERS: dict[str, Callable[..., FindFace | None]] = {
    "none": none,
    "center": center,
    "boxes": boxes,
    "haar": haar,
    "yunet": yunet,
}
"""Name -> build(**options)."""
BLIND = ("none", "center", "boxes")
"""Those that do not look at pixels, and so need none reduced."""
