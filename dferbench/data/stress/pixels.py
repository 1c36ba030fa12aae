"""Corruptions of pixels: pure functions of a video, (T, H, W, 3) uint8 RGB, that keep its shape.

Lengths are meant for a shorter side of 224 pixels, as in ImageNet-C, and scale with that of the video: a
corruption is as strong on large frames as on small ones. What is drawn at random comes from `rng`, and a
place that is drawn is the same in all frames of a video.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dferbench.data.pixels import opencv
from dferbench.errors import DferbenchError

Video = NDArray[np.uint8]
SIDE = 224
"""Pixels of the shorter side for which lengths are given."""


def blur(video: Video, sigma: float, rng: np.random.Generator) -> Video:
    """A Gaussian blur of `sigma` pixels, the edges continued."""
    cv2, scaled = opencv(), sigma * _scale(video)
    return np.stack([cv2.GaussianBlur(f, (0, 0), scaled, borderType=cv2.BORDER_REPLICATE) for f in video])


def jpeg(video: Video, quality: int, rng: np.random.Generator) -> Video:
    """Every frame stored as JPEG of that quality, 1 to 100; its blocks are 8 pixels wide in any video."""
    return np.stack([_through_jpeg(frame, quality) for frame in video])


def _through_jpeg(frame: Video, quality: int) -> Video:
    cv2 = opencv()
    stored, code = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not stored:
        raise DferbenchError(
            f"OpenCV cannot write frames of {frame.shape} as JPEG", "Leave jpeg out: --only."
        )
    decoded: Video = cv2.imdecode(code, cv2.IMREAD_COLOR)[..., ::-1]
    return decoded


def low_resolution(video: Video, share: float, rng: np.random.Generator) -> Video:
    """Reduced to a `share` of the sides by averaging, and enlarged again bilinearly."""
    cv2, (height, width) = opencv(), video.shape[1:3]
    small = (max(1, round(share * width)), max(1, round(share * height)))
    reduced = [cv2.resize(frame, small, interpolation=cv2.INTER_AREA) for frame in video]
    return np.stack([cv2.resize(f, (width, height), interpolation=cv2.INTER_LINEAR) for f in reduced])


def noise(video: Video, deviation: float, rng: np.random.Generator) -> Video:
    """Gaussian noise of that standard deviation (of values from 0 to 1), drawn for every pixel, channel and
    frame. Averaging makes it weaker where large frames are reduced, so that it scales with the side, too."""
    scaled = np.float32(255 * deviation * _scale(video))
    drawn = rng.standard_normal(video.shape, np.float32) * scaled
    return _bytes(video + drawn)


def occlusion(video: Video, area: float, rng: np.random.Generator) -> Video:
    """A grey rectangle over this share of the area, with the shape of the frame, at a place drawn once."""
    height, width = (max(1, round(area**0.5 * side)) for side in video.shape[1:3])
    down, right = rng.random(2)
    top, left = round(down * (video.shape[1] - height)), round(right * (video.shape[2] - width))
    hidden = video.copy()
    hidden[:, top : top + height, left : left + width] = 128
    return hidden


def crop_shift(video: Video, share: float, rng: np.random.Generator) -> Video:
    """The frame moved by this share of its sides, as by a face detector that is off: in a direction drawn
    once, the edges continued."""
    angle = rng.uniform(0, 2 * np.pi)
    down, right = (
        round(share * turn * side)
        for turn, side in zip((np.sin(angle), np.cos(angle)), video.shape[1:3], strict=True)
    )
    rows = np.clip(np.arange(video.shape[1]) - down, 0, video.shape[1] - 1)
    columns = np.clip(np.arange(video.shape[2]) - right, 0, video.shape[2] - 1)
    return video[:, rows[:, None], columns]


def brightness(video: Video, gain: float, rng: np.random.Generator) -> Video:
    """The value of every pixel in HSV (0 to 1) raised by `gain`, its hue and saturation kept."""
    values = video.astype(np.float32)
    value = values.max(-1, keepdims=True)
    raised = np.minimum(value + np.float32(255 * gain), 255)
    # Black has no hue to keep, and becomes grey.
    return _bytes(np.where(value > 0, values * raised / np.maximum(value, 1), raised))


def _scale(video: Video) -> float:
    return float(min(video.shape[1:3]) / SIDE)


def _bytes(values: NDArray[np.float32]) -> Video:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
