"""The contract of datasets: what one says of itself and, where its videos lie somewhere, its lists."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path

from dferbench.places import place_of
from dferbench.progress import Progress
from dferbench.registry.datasets import make_dataset
from dferbench.testing.candidate import Candidate
from dferbench.testing.outcome import Rule, require
from dferbench.types import Dataset, Video

SPLITS = ("train", "test")


def _dataset(candidate: Candidate) -> Dataset:
    made = make_dataset(candidate.text, candidate.catalog).dataset
    require(isinstance(made, Dataset), f"it is a {type(made).__name__}, not a dferbench.Dataset")
    return made


def place(candidate: Candidate) -> Path | None:
    """Where its videos lie: where the user says, or where it is configured; None if they lie nowhere."""
    dataset = _dataset(candidate)
    found = place_of(candidate.name, dataset, candidate.root)
    there = found is not None and (dataset.synthetic or found.root.is_dir())
    return found.root if found is not None and there else None


def builds(candidate: Candidate) -> None:
    """its constructor takes its defaults and gives a dferbench.Dataset"""
    _dataset(candidate)


def classes_are_names(candidate: Candidate) -> None:
    """it has two or more classes, each with a name of its own"""
    classes = _dataset(candidate).classes
    texts = isinstance(classes, tuple | list) and all(isinstance(one, str) and one.strip() for one in classes)
    require(texts, f"classes must be a tuple of names, got {classes!r}")
    require(len(classes) >= 2, f"it has {len(classes)} classes: {', '.join(classes)}")
    twice = [one for one in classes if list(classes).count(one) > 1]
    require(not twice, f"the class '{(twice or [''])[0]}' occurs twice")


def folds_are_numbers(candidate: Candidate) -> None:
    """it has one or more folds, whole numbers from 0 on, each once"""
    folds = _dataset(candidate).folds
    numbers = all(isinstance(one, int) and not isinstance(one, bool) and one >= 0 for one in folds)
    require(len(folds) > 0 and numbers, f"folds must be whole numbers from 0 on, got {folds!r}")
    require(len(set(folds)) == len(folds), f"a fold occurs twice: {folds!r}")


def it_is_described(candidate: Candidate) -> None:
    """it says what it is (about) and, unless it is drawn, how to get it (where)"""
    dataset = _dataset(candidate)
    about = str(candidate.entry.facts.get("about") or dataset.about).strip()
    require(about, "about is empty: one line on what it is")
    require(dataset.synthetic or dataset.where.strip(), "where is empty: one line on how to get it")


def workers_get_it(candidate: Candidate) -> None:
    """it can be handed to other processes"""
    pickle.loads(pickle.dumps(_dataset(candidate)))


OF_ITSELF: tuple[Rule[Candidate], ...] = (
    builds,
    classes_are_names,
    folds_are_numbers,
    it_is_described,
    workers_get_it,
)


def _lists(candidate: Candidate) -> dict[tuple[int, str], Sequence[Video]]:
    dataset, root = _dataset(candidate), place(candidate)
    assert root is not None, "its videos lie nowhere"
    dataset.prepare(root, Progress())
    return {
        (fold, split): list(dataset.videos(root, fold, split)) for fold in dataset.folds for split in SPLITS
    }


def lists_can_be_read(candidate: Candidate) -> None:
    """every fold has videos to train and to test on"""
    for (fold, split), videos in _lists(candidate).items():
        require(videos, f"fold {fold} has no videos in {split}")
        kinds = {type(one).__name__ for one in videos if not isinstance(one, Video)}
        require(not kinds, f"fold {fold} has a {min(kinds, default='')} in {split}, not a Video")


def labels_name_classes(candidate: Candidate) -> None:
    """every label is an index into its classes, and every class is trained on somewhere"""
    count, seen = len(_dataset(candidate).classes), set()
    for (_, split), videos in _lists(candidate).items():
        for video in videos:
            whole = isinstance(video.label, int) and not isinstance(video.label, bool)
            right = whole and 0 <= video.label < count
            require(right, f"the label of '{video.id}' is {video.label!r}, not 0 to {count - 1}")
            seen |= {video.label} if split == "train" else set()
    lacking = [name for number, name in enumerate(_dataset(candidate).classes) if number not in seen]
    require(not lacking, f"no training video shows '{(lacking or [''])[0]}'")


def ids_are_unique(candidate: Candidate) -> None:
    """ids are unique in each fold, and no video is in both train and test"""
    lists = _lists(candidate)
    for fold in _dataset(candidate).folds:
        parts = [lists[fold, split] for split in SPLITS]
        ids = [video.id for part in parts for video in part]
        twice = [one for one in ids if ids.count(one) > 1] if len(set(ids)) < len(ids) else []
        require(not twice, f"the id '{(twice or [''])[0]}' occurs twice in fold {fold}")
        paths = [{video.path for video in part} for part in parts]
        both = paths[0] & paths[1]
        require(not both, f"{min(both, default='')} is in both train and test of fold {fold}")


def files_are_there(candidate: Candidate) -> None:
    """every video is a file or folder that is there"""
    root = place(candidate)
    for (fold, split), videos in _lists(candidate).items():
        gone = [video for video in videos if not Path(video.path).exists() and "::" not in video.path]
        first = gone[0].path if gone else ""
        require(not gone, f"{len(gone)} of {split}, fold {fold}, are not below {root}, such as {first}")


def lists_repeat(candidate: Candidate) -> None:
    """it gives the same videos in the same order twice"""
    require(_lists(candidate) == _lists(candidate), "its lists differ from call to call")


OF_LISTS: tuple[Rule[Candidate], ...] = (
    lists_can_be_read,
    labels_name_classes,
    ids_are_unique,
    files_are_there,
    lists_repeat,
)
