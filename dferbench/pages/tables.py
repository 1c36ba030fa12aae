"""What a page is made of, figures apart: tables of cells that sort by their values, and named facts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dferbench.experiment.metrics import Metric
from dferbench.statistics.intervals import Interval


@dataclass(frozen=True)
class TableCell:
    """A cell: its text, a smaller text behind it, and the value by which its column is sorted.

    `value` is what the text shows, in full; None for an empty cell, which sorts last. `pointers` are numbers
    of footnotes, `href` is where it leads.
    """

    text: str
    value: float | str | None = None
    more: str = ""
    pointers: tuple[int, ...] = ()
    href: str = ""
    download: str = ""
    """The name under which what it leads to is saved; empty for a page."""


@dataclass(frozen=True)
class DataTable:
    """A table with a caption; the first cell of each row is its head.

    `sorts` and `filters` offer the reader to sort and filter it; `apart` are places of rows that do not rank.
    """

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[TableCell, ...], ...]
    sorts: bool = False
    filters: bool = False
    apart: frozenset[int] = frozenset()

    @property
    def numeric(self) -> list[bool]:
        """Of each column whether it holds numbers."""
        return [
            any(isinstance(cell.value, int | float) for cell in one) for one in zip(*self.rows, strict=True)
        ]


@dataclass
class Footnotes:
    """Notes that cells point to by number, each said once; `id` sets them apart from others of the page."""

    id: str
    notes: list[str] = field(default_factory=list)

    def pointers(self, notes: Iterable[str]) -> tuple[int, ...]:
        """The numbers of these notes, which are added where they are new."""
        found = []
        for note in dict.fromkeys(notes):
            if note not in self.notes:
                self.notes.append(note)
            found.append(self.notes.index(note) + 1)
        return tuple(sorted(found))


def said(text: object) -> TableCell:
    """A cell of text, sorted by it."""
    return TableCell(str(text), str(text))


def counted(value: float | None, form: str = "{:,}") -> TableCell:
    """A cell of a number in a form of `str.format`; empty where there is none."""
    return TableCell("") if value is None else TableCell(form.format(value), value)


def scored(
    metric: Metric, value: float | None, spread: float | None = None, bounds: Interval | None = None
) -> TableCell:
    """A metric with its deviation and its interval, sorted by its value."""
    more = [f"± {spread:.2f}"] if spread is not None else []
    more += [f"[{bounds.low:.2f}, {bounds.high:.2f}]"] if bounds else []
    return TableCell(metric.text(value), value, " ".join(more))


def shortened(names: Sequence[int], of: int | None = None) -> str:
    """Numbers as a list with ranges, such as "1-3, 5", and of how many if not all."""
    parts: list[list[int]] = []
    for one in sorted(names):
        if parts and one == parts[-1][-1] + 1:
            parts[-1].append(one)
        else:
            parts.append([one])
    text = ", ".join(f"{p[0]}-{p[-1]}" if len(p) > 2 else ", ".join(map(str, p)) for p in parts)
    return f"{text} of {of}" if of and len(names) < of else text
