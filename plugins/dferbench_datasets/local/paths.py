"""Paths as they stand in somebody's list, turned into paths below the user's root. None leaves it."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dferbench import ConfigError, DataError
from dferbench.data.official import shown
from dferbench_datasets.local.entry import ListedVideo

LONGEST, DEEPEST = 4096, 64
"""Characters and components; no file system has longer paths, no dataset deeper ones."""

Parts = tuple[str, ...]


@dataclass(frozen=True)
class Written:
    """A path taken apart: whether it begins at the top of a disk, and its components."""

    absolute: bool
    parts: Parts


def take_apart(text: str) -> Written:
    """The components of a path of any system. Raises ValueError if it climbs or names nothing."""
    pieces = re.split(r"[/\\]+", text[: LONGEST + 1])
    parts = tuple(piece for piece in pieces if piece not in ("", "."))
    if not parts or ".." in parts or len(text) > LONGEST or len(parts) > DEEPEST:
        raise ValueError(text)
    return Written(pieces[0] == "" or re.fullmatch("[A-Za-z]:", pieces[0]) is not None, parts)


def below(first: Mapping[str, ListedVideo], root: Path, prefix: str) -> tuple[dict[str, Parts], str]:
    """Every path as it is written, with the entry that it first stands in, to its components below the root;
    and in words what was replaced.

    `prefix` is cut off where a path begins with it. Without one, absolute paths of another machine lose the
    longest folder that all of them share, but for as many of its last components as exist below the root.
    Raises DataError that names file and line.
    """
    tops = [Written(True, _parts(root.absolute())), Written(True, _parts(Path(os.path.realpath(root))))]
    if prefix:
        tops.insert(0, _prefix(prefix))
    placed = {text: _without(_take_apart(entry), tops) for text, entry in first.items()}
    foreign = {text: path.parts for text, path in placed.items() if path.absolute}
    if not foreign:
        return {text: path.parts for text, path in placed.items()}, f"{prefix} cut off" if prefix else ""
    if prefix or len(foreign) < len(placed):
        raise _outside(first[next(iter(foreign))], root)
    return _adopt(foreign, first, root)


def _take_apart(entry: ListedVideo) -> Written:
    try:
        return take_apart(entry.video)
    except ValueError:
        raise DataError(
            f"{entry.where}: {shown(entry.video)} is not the path of a video below the root",
            "Fix or remove the line.",
        ) from None


def _prefix(text: str) -> Written:
    try:
        return take_apart(text)
    except ValueError:
        raise ConfigError(f"prefix cannot be {shown(text)}", "Name the folder to cut off.") from None


def _without(path: Written, tops: Sequence[Written]) -> Written:
    """The path relative to the first of the folders that it begins with, or as it is."""
    for top in tops:
        count = len(top.parts)
        if path.absolute == top.absolute and path.parts[:count] == top.parts and len(path.parts) > count:
            return Written(False, path.parts[count:])
    return path


def _parts(path: Path) -> Parts:
    return tuple(part for part in re.split(r"[/\\]+", str(path)) if part)


def _adopt(
    foreign: Mapping[str, Parts], first: Mapping[str, ListedVideo], root: Path
) -> tuple[dict[str, Parts], str]:
    """Paths that all come from another machine, put below the root."""
    usual = Counter(parts[0] for parts in foreign.values()).most_common(1)[0][0]
    for text, parts in foreign.items():
        if parts[0] != usual or len(parts) == 1:
            raise _outside(first[text], root)
    common = _common([parts[:-1] for parts in foreign.values()])
    kept = next(common[i:] for i in range(len(common) + 1) if root.joinpath(*common[i:]).is_dir())
    cut = len(common) - len(kept)
    note = f"/{'/'.join(common[:cut])} of the lists replaced by the root"
    return {text: parts[cut:] for text, parts in foreign.items()}, note


def _common(paths: list[Parts]) -> Parts:
    low, high = min(paths), max(paths)
    same = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), None)
    return low[: min(len(low), len(high)) if same is None else same]


def _outside(entry: ListedVideo, root: Path) -> DataError:
    return DataError(
        f"{entry.where}: {shown(entry.video)} does not lie below the root, {root}",
        "Name the folder that does with --root, or what to cut off with prefix=/FOLDER/OF/THE/LIST.",
    )
