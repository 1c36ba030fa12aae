"""From list files to folds: which list is for which fold and part, and what its lines say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from dferbench.data.official import codes as coding
from dferbench.data.official.codes import Codes
from dferbench.data.official.labels import Name, canonical
from dferbench.data.official.lists import ListRow, read_rows, shown
from dferbench.data.official.protocol import Protocol
from dferbench.errors import DataError
from dferbench.files import expand

Key = Callable[[str], str]
"""From a path as it stands in a list to the id of the video; raises ValueError if it is none."""
Lists = dict[tuple[int, str], Path]
"""(fold, "train" or "test") to the file that lists it."""
_FOLD = re.compile(r"(?:set|fold|split)[ _-]?0?(\d{1,2})(?!\d)")
SUFFIXES = (".txt", ".csv", ".tsv", ".lst")


def find_lists(folder: Path, folds: Iterable[int]) -> Lists:
    """The lists below a folder, by what their names say: `set_1/train.txt`, `DFEW_set_1_test.txt`,
    `train(single-labeled)/set_1.csv`, `single_testset_1.csv`; without a number they are the only fold's.

    A file given instead of a folder stands for itself and its counterpart next to it. Raises DataError if two
    files claim one place.
    """
    folds = tuple(folds)
    top = folder if folder.is_dir() else folder.parent
    found: Lists = {}
    for path in sorted(top.rglob("*") if folder.is_dir() else top.iterdir()):
        place = _place(path.relative_to(top).as_posix().lower(), folds)
        if place is None or not path.is_file() or path.name.startswith("."):
            continue
        if place in found:
            raise DataError(
                f"{found[place]} and {path} both look like fold {place[0]}, {place[1]}",
                "Give the folder that holds only the lists you mean: NAME(lists=DIR).",
            )
        found[place] = path
    return found


def _place(name: str, folds: tuple[int, ...]) -> tuple[int, str] | None:
    splits = [split for split in ("train", "test") if re.search(rf"(?<![a-z]){split}", _plain(name))]
    if not name.endswith(SUFFIXES) or len(splits) != 1:
        return None
    numbers = _FOLD.findall(_plain(name))
    fold = int(numbers[-1]) if numbers else folds[0]
    return (fold, splits[0]) if fold in folds and (numbers or len(folds) == 1) else None


def _plain(name: str) -> str:
    """`single_trainset_1` with its parts apart, and the folder `Train & Test Set`, which names both, gone."""
    name = re.sub(r"train[ _]*&?[ _]*test[ _]*set", "", name)
    return re.sub(r"(train|test)(set)", r"\1_\2", name)


def require_all(found: Lists, folds: Iterable[int], where: Path) -> Lists:
    """The lists, if none is missing. Raises DataError that names the first which is."""
    for fold in folds:
        for split in ("train", "test"):
            if (fold, split) not in found:
                raise DataError(
                    f"{where} has no list for fold {fold}, {split}",
                    "Put it there, for example as set_1_train.txt.",
                )
    return found


def read_folds(
    lists: Lists,
    key: Key,
    protocol: Protocol,
    stated: str = "",
    known: Codes | None = None,
    name: Name = canonical,
) -> dict[int, dict[str, dict[str, str]]]:
    """Fold, split and id to class name. `stated` are the user's codes, `known` the documented ones, which
    hold only if the list has no other labels; `name` tells the class from a word. Raises DataError that
    names file and line, and ConfigError for stated codes that make no sense."""

    def class_of(word: str) -> str | None:
        return found if (found := name(word)) in protocol.classes else None

    folds: dict[int, dict[str, dict[str, str]]] = {}
    for (fold, split), path in lists.items():
        rows = read_rows(path)
        if stated:
            codes = coding.stated(stated, class_of)
        else:
            codes = _codes(rows, path, protocol, (fold, split), known, class_of)
        folds.setdefault(fold, {})[split] = by_id(rows, path, key, codes)
    return folds


def _codes(
    rows: list[ListRow],
    path: Path,
    protocol: Protocol,
    place: tuple[int, str],
    known: Codes | None,
    name: Name,
) -> Codes:
    labels = [row.label for row in rows]
    if (words := coding.by_name(labels, name)) is not None:
        return {**{each: each for each in protocol.classes}, **words}
    found = coding.by_histogram(labels, protocol.candidates(*place))
    if found is None and known is not None and set(labels) <= set(known):
        found = known
    if found is None:
        raise coding.refuse(str(path), labels)
    return found


def own_lists(text: str, protocol: Protocol) -> Lists:
    """The user's own lists in the folder that the option `lists` names, one for each part of the protocol.

    Raises DataError if the folder or a list is not there.
    """
    folder = expand(text)
    if not folder.exists():
        raise DataError(f"there are no lists at {folder}", "Name the folder that holds them: lists=DIR.")
    folds = sorted({fold for fold, _ in protocol.parts})
    return require_all(find_lists(folder, folds), folds, folder)


def by_id(rows: Iterable[ListRow], path: Path, key: Key, codes: Codes) -> dict[str, str]:
    """Ids to class names. Raises DataError for a line whose id, label or uniqueness is at fault."""
    placed: dict[str, str] = {}
    for row in rows:
        where = f"{path}, line {row.line}"
        try:
            name = key(row.video)
        except ValueError:
            raise DataError(
                f"{where}: {shown(row.video)} names no video", "Fix or remove the line."
            ) from None
        if row.label not in codes:
            raise DataError(
                f"{where}: label {shown(row.label)} is not one of {_shown(codes)}", "Fix the line."
            )
        if name in placed:
            raise DataError(f"{where}: the id '{name}' occurs a second time", "Remove one of the lines.")
        placed[name] = codes[row.label]
    return placed


def _shown(codes: Mapping[str, str]) -> str:
    shown = [f"{code} ({name})" if code != name else code for code, name in sorted(codes.items())]
    return ", ".join(shown[:12]) + (", ..." if len(shown) > 12 else "")
