"""A CSV of videos: columns video, label, and perhaps fold or split, and group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dferbench import DataError
from dferbench.data.official import read_lines, shown
from dferbench_datasets.local.entry import ListedVideo, Parts
from dferbench_datasets.local.folds import in_turn, own_folds, require_apart

COLUMNS = ("video", "label", "fold", "split", "group")
LEFT_OUT = ("val", "validation", "valid", "dev")
"""Parts that belong to neither side."""


@dataclass(frozen=True)
class Table:
    """The entries of a CSV, and what its column `fold` or `split` says of each, if it has one."""

    path: Path
    entries: Sequence[ListedVideo]
    column: str
    said: Sequence[str]

    def parts(self, folds: int) -> tuple[Parts, str]:
        """The folds that it states, or `folds` of its own making, and which in words. Raises DataError."""
        if self.column == "fold":
            sides = [self._number(i) for i in range(len(self.entries))]
            require_apart(self.entries, [f"fold {side}" for side in sides])
            return in_turn(self.entries, sides), f"column fold of {self.path.name}"
        if self.column == "split":
            return self._stated(), f"column split of {self.path.name}"
        return own_folds(self.entries, folds), f"{folds} folds of its own"

    def _number(self, i: int) -> int:
        text = self.said[i]
        if not (text.isdecimal() and len(text) < 4):
            raise DataError(
                f"{self.entries[i].where}: the fold {shown(text)} is not a number", "Folds are 1, 2, ..."
            )
        return int(text)

    def _stated(self) -> Parts:
        sides = [side.lower() for side in self.said]
        for entry, side in zip(self.entries, sides, strict=True):
            if side not in ("train", "test", *LEFT_OUT):
                raise DataError(
                    f"{entry.where}: the split {shown(side)} is neither train nor test", "Fix the line."
                )
        require_apart(self.entries, sides)
        pairs = list(zip(self.entries, sides, strict=True))
        return {(1, part): [e for e, side in pairs if side == part] for part in ("train", "test")}


def read_csv(path: Path) -> Table:
    """Read a CSV with a header, separated by commas, semicolons or tabs, or an .xlsx file's first sheet.

    Raises DataError.
    """
    workbook = path.suffix.lower() == ".xlsx"
    rows = read_lines(path)
    heads = [name.lower() for name in rows[0][1]] if rows else []
    if "video" not in heads or "label" not in heads or ("fold" in heads and "split" in heads):
        raise DataError(
            f"{path} does not begin with a header of video, label and at most one of fold and split",
            "The first line names the columns: video,label,group for example.",
        )
    rows = [(number, row + [""] * (len(heads) - len(row))) for number, row in rows] if workbook else rows
    return _table(path, {name: heads.index(name) for name in COLUMNS if name in heads}, rows[1:], len(heads))


def _table(path: Path, columns: dict[str, int], rows: list[tuple[int, list[str]]], width: int) -> Table:
    column = next((name for name in ("fold", "split") if name in columns), "")
    entries, said, seen = [], [], set()
    for number, row in rows:
        where = f"{path}, line {number}"
        if len(row) != width or not all(row[i] for i in columns.values()):
            raise DataError(
                f"{where}: {len(row)} fields, or an empty one, for {width} columns", "Fix the line."
            )
        cells = {name: row[i] for name, i in columns.items()}
        if cells["video"] in seen:
            raise DataError(f"{where}: {shown(cells['video'])} occurs a second time", "Remove a line.")
        seen.add(cells["video"])
        entries.append(ListedVideo(cells["video"], cells["label"], where, None, cells.get("group", "")))
        said.append(cells.get(column, ""))
    if not entries:
        raise DataError(f"{path} lists no videos", "Below the header, write one line per video.")
    return Table(path, entries, column, said)
