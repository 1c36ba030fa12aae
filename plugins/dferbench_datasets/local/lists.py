"""`list:PATH`: the text lists that repositories of this field pass around, for any videos."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from dferbench import ConfigError, DataError, sha256_of
from dferbench.data.official import find_lists, read_rows, require_all
from dferbench_datasets.local.classes import find_classes
from dferbench_datasets.local.entry import ListedVideo, Parts
from dferbench_datasets.local.local import Local, given, given_within

EXAMPLE = "list:FOLDER, list:set_1_train.txt or 'list(train=FILE, test=FILE)'"
Files = dict[tuple[int, str], Path]


class Lists(Local):
    """Videos named by text lists, one list per fold and part: `video frames label` or `video label` per line.

    `path` is a folder of lists (set_1_train.txt, set_1_test.txt, ...) or one of the two of a single split;
    `train` and `test` name two files instead. Where labels are numbers, `classes` names them in order
    ('anger,joy,...'), from `base` 0 or 1 on, or `codes` one by one ('3=anger, 5=joy'). `prefix` is cut off
    the paths, which begin in --root, else in the folder of the lists; `links` allows symbolic links that
    lead out of it.
    """

    about = "your own videos, named by text lists: frame folder or video file, number of frames, class"
    where = "Name the folder in which the paths of the lists begin with --root DIR."
    facts: ClassVar[Mapping[str, str]] = {
        "protocol": "the folds that the lists make: set_1_train.txt and set_1_test.txt, ...; else one",
        "put": "anywhere; --root is the folder in which the paths of the lists begin",
    }

    def __init__(
        self,
        path: str = "",
        train: str = "",
        test: str = "",
        classes: str = "",
        codes: str = "",
        base: int | str | None = None,
        prefix: str = "",
        links: bool = False,
    ) -> None:
        if str(base) not in ("None", "", "0", "1"):
            raise ConfigError(f"list: base cannot be {base}", "Numbers count from 0 or from 1.")
        self.files = _files(path, train, test)
        parts = _read(self.files)
        entries = [entry for part in parts.values() for entry in part]
        found = find_classes(entries, classes, codes, "" if base is None else str(base))
        super().__init__(_home(path, self.files), parts, found, prefix, links)

    def notes(self, root: Path) -> Mapping[str, Any]:
        """As for every local dataset, and the sha256 of each list."""
        hashes = {f"{fold} {split}": sha256_of(path) for (fold, split), path in self.files.items()}
        return {**super().notes(root), "lists": hashes}


def _files(path: str, train: str, test: str) -> Files:
    """The file of each fold and part. Raises ConfigError or DataError."""
    if train or test:
        if not (train and test):
            raise ConfigError(f"list: {'test' if train else 'train'} is missing", f"Write {EXAMPLE}.")
        names = {"train": train, "test": test}
        return {(1, s): given_within(path, name, "list: a file", EXAMPLE) for s, name in names.items()}
    place = given(path, "list: the path", EXAMPLE)
    if not place.is_dir():
        return _pair(place)
    lists = find_lists(place, range(100)) or find_lists(place, (1,))
    if not lists:
        raise DataError(f"{place} holds no lists", "Names tell them: set_1_train.txt, set_1_test.txt, ...")
    folds = sorted({fold for fold, _ in lists})
    require_all(lists, folds, place)
    return {(fold, split): lists[fold, split] for fold in folds for split in ("train", "test")}


def _pair(file: Path) -> Files:
    """A list and its counterpart next to it, whose name differs in `train` or `test` alone."""
    words = re.findall("train|test", file.name.lower())
    if len(set(words)) == 1:
        own = words[0]
        other = "test" if own == "train" else "train"
        name = re.sub(own, lambda match: _as(other, match[0]), file.name, flags=re.IGNORECASE)
        if file.with_name(name).is_file():
            pair = {own: file, other: file.with_name(name)}
            return {(1, split): pair[split] for split in ("train", "test")}
    raise DataError(f"{file} has no counterpart next to it", f"Name both: {EXAMPLE.split(' or ')[1]}.")


def _as(word: str, model: str) -> str:
    """The word in the letters of the model: TEST for TRAIN, Test for Train."""
    return word.upper() if model.isupper() else word.capitalize() if model[0].isupper() else word


def _home(path: str, files: Files) -> Path:
    place = given(path, "", EXAMPLE) if path else next(iter(files.values())).parent
    return place if place.is_dir() else place.parent


def _read(files: Files) -> Parts:
    return {
        place: [
            ListedVideo(row.video, row.label, f"{file}, line {row.line}", row.frames)
            for row in read_rows(file)
        ]
        for place, file in files.items()
    }
