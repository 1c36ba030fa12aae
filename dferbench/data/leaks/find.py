"""Leaks between train and test of each fold: from the dataset's lists and its frames to a list of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dferbench.data.leaks.candidates import candidates
from dferbench.data.leaks.likeness import likeness
from dferbench.data.leaks.looks import Look, bits_of, is_flat, looks_of
from dferbench.data.parts import SPLITS, SplitVideos, folds
from dferbench.errors import VideoError
from dferbench.progress import Progress
from dferbench.types import Dataset

LEAST = 0.75
"""The least likeness of copies; see docs/decisions/0108-leaks.md for what was measured."""
COPY, SOURCE = "copy", "source"
Pairs = Mapping[str, Mapping[str, float]]
"""Per path the paths of its copies, and how alike they are."""


@dataclass(frozen=True)
class Leak:
    """A test video, `id`, that training knows: as a copy of the training video `like`, or as part of the same
    `source`, of which `like` is one training video."""

    fold: int
    id: str
    kind: str
    like: str
    likeness: float | None = None
    source: str = ""


def leaks_in(
    dataset: Dataset,
    root: Path,
    wanted: Sequence[int],
    least: float,
    seconds: float,
    workers: int,
    progress: Progress,
) -> tuple[list[Leak], list[VideoError]]:
    """All leaks of some folds, copies first, and the videos that could not be read and compared.

    Raises DataError for lists that cannot be read.
    """
    dataset.prepare(root, progress)
    parts = [
        SplitVideos(fold, split, tuple(dataset.videos(root, fold, split)))
        for fold in wanted
        for split in SPLITS
    ]
    looks, bad = looks_of(paths_of(parts), seconds, workers, progress)
    found = [*copies(parts, copies_among(looks, least)), *shared_sources(parts)]
    return found, list(bad.values())


def copies_among(looks: Mapping[str, Look], least: float = LEAST) -> dict[str, dict[str, float]]:
    """Which videos are copies of one another, by their paths; those that show nothing have none."""
    paths = [path for path, look in looks.items() if not is_flat(look)]
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for a, b in candidates([bits_of(looks[path]) for path in paths]):
        one, other = paths[a], paths[b]
        alike = likeness(looks[one], looks[other])
        if alike >= least:
            found[one][other] = found[other][one] = alike
    return dict(found)


def copies(parts: Sequence[SplitVideos], pairs: Pairs) -> Iterator[Leak]:
    """Every test video of which a fold trains on a copy, or on the same file, with the most alike one."""
    for train, test in folds(parts):
        known = {video.path: video.id for video in train.videos}
        for video in test.videos:
            mine = {path: alike for path, alike in pairs.get(video.path, {}).items() if path in known}
            mine |= {video.path: 1.0} if video.path in known else {}
            if mine:
                nearest = max(mine, key=lambda path: mine[path])
                yield Leak(test.fold, video.id, COPY, known[nearest], round(mine[nearest], 3))


def shared_sources(parts: Sequence[SplitVideos]) -> Iterator[Leak]:
    """Every test video of a source, such as an actor or a film, of which a fold trains on other videos, as
    far as the dataset knows sources."""
    for train, test in folds(parts):
        known = {video.group: video.id for video in reversed(train.videos) if video.group}
        for video in test.videos:
            if video.group in known:
                yield Leak(test.fold, video.id, SOURCE, known[video.group], source=video.group)


def paths_of(parts: Iterable[SplitVideos]) -> list[str]:
    """Each path once, in the order of the parts."""
    return list(dict.fromkeys(video.path for part in parts for video in part.videos))
