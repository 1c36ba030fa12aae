"""The parts of a dataset: train and test of each fold, as the lists have them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dferbench.types import Video

SPLITS = ("train", "test")


@dataclass(frozen=True)
class SplitVideos:
    """The videos of one split of one fold."""

    fold: int
    split: str
    videos: tuple[Video, ...]

    def __str__(self) -> str:
        return f"fold {self.fold}, {self.split}"

    @property
    def ids(self) -> set[str]:
        """The ids, each once."""
        return {video.id for video in self.videos}


def folds(parts: Sequence[SplitVideos]) -> Iterator[tuple[SplitVideos, SplitVideos]]:
    """Train and test of each fold of which both could be read."""
    for a, b in pairwise(parts):
        if a.fold == b.fold:
            yield a, b
