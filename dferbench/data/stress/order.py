"""Corruptions of a video's course: pure functions of frame numbers, (N,) int64, to those shown instead.

They act on the whole video, before a method chooses its frames. What is drawn comes from `rng`.
"""

from __future__ import annotations

import numpy as np

from dferbench.data.sampling import Indices


def drop(frames: Indices, share: float, rng: np.random.Generator) -> Indices:
    """This share of the frames is lost, and the video is shorter by them; one is left at least."""
    kept = max(1, len(frames) - round(share * len(frames)))
    return frames[np.sort(rng.permutation(len(frames))[:kept])]


def repeat(frames: Indices, share: float, rng: np.random.Generator) -> Indices:
    """This share of the frames shows the one before again, as a video does that stutters; never the first."""
    stuck = 1 + rng.permutation(len(frames) - 1)[: round(share * (len(frames) - 1))]
    places = np.arange(len(frames))
    places[stuck] = 0
    return frames[np.maximum.accumulate(places)]


def reverse(frames: Indices, share: float, rng: np.random.Generator) -> Indices:
    """A stretch of this share of the video, at a place that is drawn, is played backwards."""
    length = round(share * len(frames))
    start = int(rng.integers(len(frames) - length + 1))
    played = frames.copy()
    played[start : start + length] = frames[start : start + length][::-1]
    return played


def shuffle(frames: Indices, pieces: int, rng: np.random.Generator) -> Indices:
    """The video cut into so many equal pieces (0: single frames), shown in an order that is drawn."""
    cut = np.array_split(frames, min(pieces, len(frames)) or len(frames))
    return np.concatenate([cut[place] for place in rng.permutation(len(cut))])
