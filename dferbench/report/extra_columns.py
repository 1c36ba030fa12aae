"""Columns between a table's labels and its numbers, on request: what rows cost, how faithful they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dferbench.experiment.suite import Row
from dferbench.profiling.costs import short
from dferbench.report.table import ExtraColumn, Sheet, letter

Value = int | float | str | None


@dataclass(frozen=True)
class Column:
    """One value a row, None where nothing is known; `say` writes it for readers, `note` is a footnote."""

    name: str
    values: tuple[Value, ...]
    say: Callable[[Any], str] = str
    note: str = ""


def with_columns(sheet: Sheet, columns: Sequence[Column]) -> Sheet:
    """The sheet with the columns next to its labels; those that are empty throughout are left out."""
    shown = [column for column in columns if any(value is not None for value in column.values)]
    new = list(dict.fromkeys(column.note for column in shown if column.note))
    letters = {note: letter(len(sheet.notes) + i) for i, note in enumerate(new)}
    extra = [
        ExtraColumn(
            name=column.name,
            caveats=(letters[column.note],) if column.note else (),
            texts=tuple("" if value is None else column.say(value) for value in column.values),
            values=column.values,
        )
        for column in shown
    ]
    notes = (*sheet.notes, *((code, note) for note, code in letters.items()))
    return replace(sheet, extra_columns=tuple(extra), notes=notes)


def fidelity_column(rows: Sequence[Row], words: Mapping[str, str]) -> Column:
    """How close each row's method is to its source; `words` has it per method."""
    return Column("fidelity", tuple(words.get(row.method) or None for row in rows))


SIZES = {"parameters": "parameters", "trained": "trained", "macs": "MACs"}
SPEEDS = {"train": "train videos/s", "test": "test videos/s", "memory_bytes": "memory"}


def cost_columns(
    rows: Sequence[tuple[str, Mapping[str, str]]], profiles: Sequence[Mapping[str, Any]], about: str
) -> list[Column]:
    """What each row, a method and its options beyond the defaults, costs; blank where there is no profile.

    `profiles` are as `dferbench profile --json` prints them; `about` says how and where they were made.
    """
    found = [next((one for one in profiles if (one["method"], one["given"]) == row), {}) for row in rows]
    columns = [Column("input", tuple(_input(one) for one in found), note=about)]
    for key, name in {**SIZES, **SPEEDS}.items():
        say = _mebibytes if key == "memory_bytes" else _rate if key in SPEEDS else short
        columns.append(Column(name, tuple(one.get(key) for one in found), say, about))
    return columns


def _input(profile: Mapping[str, Any]) -> str | None:
    return f"{profile['frames']} x {profile['size']}" if profile else None


def _rate(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def _mebibytes(value: int) -> str:
    return f"{value / 2**20:.0f} MiB"
