"""Several datasets as one: lists of their videos, on the classes that all of them know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dferbench.csv_text import csv_text
from dferbench.data.marks import mark_drawn
from dferbench.data.shared_classes import matched
from dferbench.errors import ConfigError, DataError
from dferbench.files import write_atomic
from dferbench.places import is_made
from dferbench.types import Dataset, Video

LISTS, VIDEOS = "lists", "videos"
"""Folders of what is written: lists of each fold, and a link to the root of each dataset."""
SPLITS = ("train", "test")


@dataclass(frozen=True)
class JoinedDataset:
    """A dataset that was prepared, under a name of its own, and the root at which it lies."""

    name: str
    dataset: Dataset
    root: Path


@dataclass(frozen=True)
class JoinedLists:
    """What was written: the classes, and per fold and part the number of videos of each member."""

    classes: tuple[str, ...]
    counts: Mapping[tuple[int, str], tuple[int, ...]]


def shared(members: Sequence[JoinedDataset]) -> dict[str, tuple[str, ...]]:
    """Per class of the first member that all have, what each calls it.

    Raises ConfigError if there are fewer than two.
    """
    first = members[0].dataset.classes
    known = [matched(first, one.dataset.classes) for one in members]
    found = {name: tuple(one[name] for one in known) for name in first if all(name in one for one in known)}
    if len(found) < 2:
        names = ", ".join(one.name for one in members)
        what = f"share only the class {next(iter(found))}" if found else "share no class"
        raise ConfigError(f"{names} {what}", "Join datasets that share two or more.")
    return found


def folds_of(members: Sequence[JoinedDataset]) -> tuple[int, ...]:
    """The folds that all have. Raises ConfigError if there is none."""
    found = set.intersection(*(set(one.dataset.folds) for one in members))
    if not found:
        raise ConfigError("these datasets have no fold in common", "Choose others.")
    return tuple(sorted(found))


def join(members: Sequence[JoinedDataset], folder: Path, by: str) -> JoinedLists:
    """Write the lists of every common fold, and links to the videos. `by` is the command that asked for it.

    Raises ConfigError for datasets that do not go together, and DataError for a folder that holds something,
    a video that lies outside its dataset's root, and what the datasets raise.
    """
    classes, folds = shared(members), folds_of(members)
    rows = {
        (fold, split): [_rows(one, place, classes, fold, split) for place, one in enumerate(members)]
        for fold in folds
        for split in SPLITS
    }
    if folder.exists() and any(folder.iterdir()):
        raise DataError(f"{folder} is not empty", "Name a new folder: --output DIR.")
    (folder / VIDEOS).mkdir(parents=True, exist_ok=True)
    for one in members:
        (folder / VIDEOS / one.name).symlink_to(one.root.resolve(), target_is_directory=True)
    if any(is_made(one.root) or one.dataset.synthetic for one in members):
        mark_drawn(folder, by)
    for (fold, split), found in rows.items():
        text = csv_text([["video", "label"], *(row for part in found for row in part)])
        write_atomic(folder / LISTS / f"set_{fold}_{split}.csv", text)
    counts = {place: tuple(map(len, found)) for place, found in rows.items()}
    return JoinedLists(tuple(classes), counts)


def _rows(
    one: JoinedDataset, place: int, classes: Mapping[str, tuple[str, ...]], fold: int, split: str
) -> list[list[str]]:
    words = {names[place]: name for name, names in classes.items()}
    labels = {i: words[name] for i, name in enumerate(one.dataset.classes) if name in words}
    found = one.dataset.videos(one.root, fold, split)
    return [[_path(one, video), labels[video.label]] for video in found if video.label in labels]


def _path(one: JoinedDataset, video: Video) -> str:
    """Where a video lies below the links."""
    try:
        inside = Path(video.path).resolve().relative_to(one.root.resolve())
    except ValueError:
        raise DataError(
            f"{video.path} of {one.name} does not lie below {one.root}", "Name a root that holds all: --root."
        ) from None
    return (Path(one.name) / inside).as_posix()
