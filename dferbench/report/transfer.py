"""Train x test: how models do on datasets that they were not trained on, and on which classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dferbench.csv_text import csv_text
from dferbench.experiment.metrics import Columns, Metric
from dferbench.report.caveats import meaning
from dferbench.report.fitted import fitted, folded
from dferbench.report.score import Score, score

if TYPE_CHECKING:
    from dferbench.runner.transfer import Crossing

Row = tuple[str, str, str]
"""A configuration that was trained: method, config id, dataset."""


@dataclass(frozen=True)
class Cell:
    """The runs of one configuration tested on one dataset.

    `scores` are over the runs, by metric; `classes` those that were scored, out of `of` of the dataset; the
    model had `known` classes. `own` tells the dataset that it was trained on, `why` why there is no score.
    """

    scores: Mapping[str, Score | None]
    runs: int
    classes: tuple[str, ...]
    of: int
    known: int
    own: bool
    caveats: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """Which classes were scored, if not simply all of both; "" otherwise."""
        if len(self.classes) == self.of == self.known:
            return ""
        return (
            f"scored on {len(self.classes)} shared classes, of {self.of} of the test set and {self.known} of "
            f"the model: {', '.join(self.classes)}"
        )


@dataclass(frozen=True)
class Matrix:
    """A row a configuration, a column a test set; pairs without a result are not in `cells`."""

    rows: Sequence[Row]
    columns: Sequence[str]
    cells: Mapping[tuple[Row, str], Cell]


def matrix(found: Sequence[Crossing], shown: Columns) -> Matrix:
    """The matrix of some tests, rows and columns in the order in which they come."""
    groups: dict[tuple[Row, str], list[Crossing]] = {}
    for one in found:
        groups.setdefault(((one.method, one.config_id, one.trained), one.tested), []).append(one)
    cells = {key: _cell(group, shown) for key, group in groups.items() if any(one.records for one in group)}
    return Matrix(
        list(dict.fromkeys(row for row, _ in groups)), list(dict.fromkeys(name for _, name in groups)), cells
    )


def _cell(group: Sequence[Crossing], shown: Columns) -> Cell:
    records = [record for one in group for record in one.records]
    first, one = records[0], group[0]
    return Cell(
        scores={m.name: score([record.value(m, "last") for record in records]) for m in shown.metrics},
        runs=len(records),
        classes=tuple(first.classes),
        of=len(one.classes),
        known=len(first.checkpoint.get("classes", first.classes)),
        own=one.trained == one.tested,
        caveats=tuple(sorted({caveat for record in records for caveat in record.caveats})),
    )


def as_text(table: Matrix, shown: Columns) -> str:
    """A table a metric, the model's own dataset in brackets, and below it which classes were scored."""
    notes = list(dict.fromkeys(cell.note for cell in table.cells.values() if cell.note))
    caveats = sorted({caveat for cell in table.cells.values() for caveat in cell.caveats})
    blocks = [_block(table, metric, notes) for metric in shown.metrics]
    about = [
        "In brackets: tested on the dataset that it was trained on. Runs are all tested folds and seeds."
    ]
    below = [*about, *(f"[{i}] {note}" for i, note in enumerate(notes, 1)), *map(meaning, caveats)]
    return "\n\n".join([*blocks, "\n".join(folded(line, "    ") for line in below)])


def _block(table: Matrix, metric: Metric, notes: Sequence[str]) -> str:
    heads = [f"{metric.head}: trained on", "method", *table.columns]
    rows = [
        [row[2], f"{row[0]} {row[1]}"]
        + [_text(table.cells.get((row, name)), metric, notes) for name in table.columns]
        for row in table.rows
    ]
    return fitted(rows, heads, labels=2, align=["left", "left"] + ["right"] * len(table.columns))


def _text(cell: Cell | None, metric: Metric, notes: Sequence[str]) -> str:
    found = cell and cell.scores[metric.name]
    if cell is None or found is None:
        return "-"
    text = f"({found})" if cell.own else str(found)
    return text + (f" [{notes.index(cell.note) + 1}]" if cell.note else "")


def as_csv(table: Matrix, shown: Columns) -> str:
    """A line a pair, numbers in full."""
    numbers = [f"{m.title}{part}" for m in shown.metrics for part in ("", " std")]
    heads = ["method", "config_id", "trained on", "tested on", "runs", *numbers, "classes", "caveats"]
    return csv_text([heads, *(_line(row, name, cell, shown) for (row, name), cell in table.cells.items())])


def _line(row: Row, name: str, cell: Cell, shown: Columns) -> list[object]:
    scores = [cell.scores[m.name] for m in shown.metrics]
    numbers = [v for one in scores for v in ((one.mean, one.spread) if one else (None, None))]
    return [*row, name, cell.runs, *numbers, " ".join(cell.classes), "; ".join(cell.caveats)]


def as_data(table: Matrix, shown: Columns) -> dict[str, Any]:
    """One JSON object with a row a pair; missing numbers are null."""
    cells = [
        {
            "method": row[0], "config_id": row[1], "trained_on": row[2], "tested_on": name, "own": cell.own,
            "runs": cell.runs, "scores": {k: v and vars(v) for k, v in cell.scores.items()},
            "classes": list(cell.classes), "classes_of_test_set": cell.of, "classes_of_model": cell.known,
            "note": cell.note, "caveats": list(cell.caveats),
        }
        for (row, name), cell in table.cells.items()
    ]  # fmt: skip
    return {"schema": 1, "metrics": [m.name for m in shown.metrics], "cells": cells}
