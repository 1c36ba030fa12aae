"""What a model says of a video: plain data, no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Span:
    """A clip of a video and its probabilities, in the order of the classes; they sum to one.

    `first` and `last` are the numbers of its outer frames, `start` and `end` when these are shown in seconds,
    None for a folder of images.
    """

    first: int
    last: int
    start: float | None
    end: float | None
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class SeenFace:
    """How well a face was followed: how often it was looked for and found, how often the crop jumps, the
    share of frames far from any detection, and what speaks against the crops, in words."""

    looked: int
    found: int
    jumps: int
    far: float
    doubt: str


@dataclass(frozen=True)
class Prediction:
    """One video: its spans, which are one for the whole video or those of a sliding window; and its face, if
    one was cropped. `still` is how often a single picture was shown in place of a video's frames, 0 for a
    video."""

    video: str
    frames: int
    spans: tuple[Span, ...]
    face: SeenFace | None = None
    still: int = 0

    @property
    def probabilities(self) -> tuple[float, ...]:
        """Those of the video: the mean over its spans."""
        columns = zip(*(span.probabilities for span in self.spans), strict=True)
        return tuple(sum(column) / len(self.spans) for column in columns)


@dataclass(frozen=True)
class Failed:
    """A video that could not be read, and why."""

    video: str
    reason: str


@dataclass(frozen=True)
class PredictedVideos:
    """Several videos, and what says how they were seen: `facts` of the checkpoint, `settings` of the call."""

    classes: Sequence[str]
    predicted: Sequence[Prediction]
    failed: Sequence[Failed]
    facts: Mapping[str, Any]
    settings: Mapping[str, Any]
