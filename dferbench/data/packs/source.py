"""What a pack was made from: the videos of a dataset by name, and whether their files have changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from dferbench.data.decoders.endings import IMAGES
from dferbench.types import Dataset, Video

Lists = dict[int, dict[str, list[Video]]]
"""The videos of every fold and split."""


def read_lists(dataset: Dataset, root: Path) -> Lists:
    """All lists of a dataset. Raises DataError."""
    return {
        fold: {split: list(dataset.videos(root, fold, split)) for split in ("train", "test")}
        for fold in dataset.folds
    }


def all_videos(lists: Lists) -> Iterator[Video]:
    """The videos of all lists; most come several times."""
    for splits in lists.values():
        for videos in splits.values():
            yield from videos


def name_of(path: str, root: Path) -> str:
    """What a video is called in a pack: its path below the root, or its whole path if it lies elsewhere."""
    whole = Path(path)
    return (whole.relative_to(root) if whole.is_relative_to(root) else whole).as_posix()


def fingerprint(path: str) -> str:
    """64 hex digits over the names, sizes and times of a video's files; empty if there are none."""
    lines = sorted(_files(path))
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest() if lines else ""


def _files(path: str) -> Iterable[str]:
    try:
        with os.scandir(path) as entries:
            images = [entry for entry in entries if entry.name.lower().endswith(IMAGES)]
            return [_line(entry.name, entry.stat()) for entry in images]
    except NotADirectoryError:
        return [_line(Path(path).name, Path(path).stat())]
    except OSError:
        return []


def _line(name: str, facts: os.stat_result) -> str:
    return f"{name}\t{facts.st_size}\t{facts.st_mtime_ns}"
