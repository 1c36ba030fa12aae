"""How alike two looks are: as pictures, and in what moves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dferbench.data.leaks.looks import SIDE, Look

COARSE = 16
"""Pixels of a side that are compared: finer ones hold what compression takes away."""
PICTURE = 0.95
"""The least correlation of the mean pictures of copies."""
STILL = 0.3
"""Grey levels of deviation over time below which a look does not move."""


def likeness(one: Look, other: Look) -> float:
    """How much two looks change alike, from 1, a copy, down to -1; 0 for those that are no one picture.

    Two videos of one person before one wall are alike as pictures; a copy also moves alike. Neither depends
    on brightness or contrast. Looks that do not move are compared as pictures alone, for which 0 is a
    correlation of PICTURE.
    """
    first, second = _coarse(one), _coarse(other)
    still = _correlation(*(mean - mean.mean() for mean in (first.mean(axis=0), second.mean(axis=0))))
    if still < PICTURE:
        return 0.0
    moves = [frames - frames.mean(axis=0) for frames in (first, second)]
    if max(float(move.std()) for move in moves) < STILL:
        return (still - PICTURE) / (1 - PICTURE)
    return _correlation(*moves)


def _coarse(look: Look) -> NDArray[np.float32]:
    step = SIDE // COARSE
    blocks = look.reshape(-1, COARSE, step, COARSE, step)
    found: NDArray[np.float32] = blocks.mean(axis=(2, 4), dtype=np.float32)
    return found


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float((one * other).sum()) / size if size else 0.0
