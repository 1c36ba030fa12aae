"""What a video looks like, small enough to hold thousands: some grey frames, and bits that copies share.

The bits are those of a perceptual hash (C. Zauner, Implementation and Benchmarking of Perceptual Image Hash
Functions, 2010): which of the lowest frequencies of a frame's cosine transform are above their median. They
change little with size, compression and brightness.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dferbench.data.decoders import choose_decoder
from dferbench.data.pool import run_each
from dferbench.errors import VideoError
from dferbench.progress import Progress

FRAMES, SIDE, LOW = 6, 32, 8
"""Frames of a video, pixels of a side, and frequencies that are hashed in each direction."""
FLAT = 2.0
"""Grey levels of deviation below which a frame shows nothing that could be compared."""

Look = NDArray[np.uint8]
"""(FRAMES, SIDE, SIDE) grey."""


def look_at(path: str) -> Look:
    """The look of a video: frames from the middle of six equal parts. Raises VideoError."""
    frames, _ = choose_decoder().read(path, _spread)
    return look_of(frames)


def look_of(frames: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]) -> Look:
    """The look that FRAMES frames, (H, W, 3) uint8 RGB, make."""
    import cv2

    grey = (cv2.cvtColor(np.asarray(one), cv2.COLOR_RGB2GRAY) for one in frames)
    return np.stack([cv2.resize(one, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for one in grey])


def _spread(count: int) -> list[int]:
    return [min(count - 1, (2 * part + 1) * count // (2 * FRAMES)) for part in range(FRAMES)]


def looks_of(
    paths: Sequence[str], seconds: float, workers: int, progress: Progress
) -> tuple[dict[str, Look], dict[str, VideoError]]:
    """The look of each video, read in processes of their own, and why others cannot be read."""
    looks: dict[str, Look] = {}
    bad: dict[str, VideoError] = {}
    with progress.bar("looking for copies", len(paths)) as bar:
        for path, one in run_each(look_at, paths, seconds, workers, bar, option="--timeout"):
            if isinstance(one, VideoError):
                bad[path] = one
            else:
                looks[path] = one
    return looks, bad


def is_flat(look: Look) -> bool:
    """Whether it shows nothing, like a black video: all such look alike."""
    return bool(look.std(axis=(1, 2)).max() < FLAT)


def bits_of(look: Look) -> NDArray[np.bool_]:
    """The hashes of all frames as one row of FRAMES * (LOW * LOW - 1) bits; the mean grey is left out."""
    import cv2

    low = np.stack([cv2.dct(one.astype(np.float32))[:LOW, :LOW].ravel()[1:] for one in look])
    found: NDArray[np.bool_] = (low > np.median(low, axis=1, keepdims=True)).ravel()
    return found
