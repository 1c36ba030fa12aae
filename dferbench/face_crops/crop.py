"""Cutting the square of a track out of a frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dferbench.face_crops.track import Track

Pixels = NDArray[np.uint8]


def cut(frame: Pixels, track: Track | None, number: int, size: int, resize: str = "bilinear") -> Pixels:
    """(size, size, 3) uint8: frame `number` (H, W, 3) of a track, by one of Pillow's filters.

    Without a track the whole frame, its aspect not kept. What a turned square needs from beyond the frame
    repeats the frame's border.
    """
    if track is None:
        return _resized(frame, (0, 0, frame.shape[1], frame.shape[0]), size, resize)
    if track.tilts[number]:
        level = _turned(frame, track, number)
        return _resized(level, (0, 0, level.shape[1], level.shape[0]), size, resize)
    (x, y), half = track.centres[number], track.side / 2
    width, height = track.size
    box = (max(0.0, x - half), max(0.0, y - half), min(width, x + half), min(height, y + half))
    return _resized(frame, box, size, resize)


def _resized(image: Pixels, box: tuple[float, float, float, float], size: int, resize: str) -> Pixels:
    if box == (0, 0, size, size) and image.shape[:2] == (size, size):
        return np.ascontiguousarray(image)
    by = Image.Resampling[resize.upper()]
    return np.asarray(Image.fromarray(image).resize((size, size), by, box=box))


def _turned(frame: Pixels, track: Track, number: int) -> Pixels:
    """The track's square at its own scale, turned about its centre until the eyes are level."""
    import cv2

    side = max(1, round(track.side))
    # OpenCV counts from the middle of the first pixel, a track from its corner.
    x, y = (float(c) - 0.5 for c in track.centres[number])
    turn = cv2.getRotationMatrix2D((x, y), float(track.tilts[number]), side / track.side)
    turn[:, 2] += np.array([(side - 1) / 2 - x, (side - 1) / 2 - y])
    return np.asarray(
        cv2.warpAffine(
            np.ascontiguousarray(frame),
            turn,
            (side, side),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.uint8,
    )
