"""The rows of a leaderboard as CSV: one table of all datasets, numbers in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dferbench.csv_text import csv_text
from dferbench.experiment.metrics import Columns
from dferbench.report.leaderboard import Row

FACTS = ["dataset", "method", "setting", "folds", "seeds"]


def as_csv(
    rows: Sequence[Row],
    shown: Columns,
    published: Sequence[Mapping[str, Any]] = (),
    *,
    optimism: bool = False,
) -> str:
    """A line a row, best first within each dataset; an empty field is a missing number.

    Below them a line for each published number, by the heads of its columns, of which it may have more.
    """
    low_high = (" low", " high") if any(row.intervals for row in rows) else ()
    parts = ("", " std", *low_high, " best on test", *([" optimism"] if optimism else []))
    numbers = [f"{one.title}{part}" for one in shown.metrics for part in parts]
    heads = [*FACTS, *numbers, "caveats", "config_id", "folders"]
    more = dict.fromkeys(name for one in published for name in one if name not in heads)
    lines = [[*_line(row, shown, optimism), *(None for _ in more)] for row in rows]
    lines += [[one.get(name) for name in (*heads, *more)] for one in published]
    return csv_text([[*heads, *more], *lines])


def _line(row: Row, shown: Columns, optimism: bool) -> list[Any]:
    numbers: list[float | None] = []
    for one in shown.metrics:
        found = row.scores[one.name]
        mean, spread = (found.mean, found.spread) if found else (None, None)
        numbers += [mean, spread, *_bounds(row, one.name), row.best_on_test[one.name]]
        numbers += [row.optimism.get(one.name)] if optimism else []
    facts = [row.dataset, row.method, row.setting, _joined(row.folds), _joined(row.seeds)]
    return [*facts, *numbers, "; ".join(row.caveats), row.config_id, "; ".join(row.folders)]


def _bounds(row: Row, metric: str) -> list[float | None]:
    """Of the interval, if intervals were asked for."""
    if not row.intervals:
        return []
    found = row.intervals[metric]
    return [found.low, found.high] if found else [None, None]


def _joined(numbers: Sequence[int]) -> str:
    return " ".join(map(str, numbers))
