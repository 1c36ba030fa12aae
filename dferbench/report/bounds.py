"""Intervals as reports show them. What computes them is imported only where they are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dferbench.experiment.metrics import Metric
    from dferbench.experiment.record import Record
    from dferbench.statistics.intervals import Interval


def intervals_if(
    level: float | None, records: Sequence[Record], select: str, metrics: Sequence[Metric]
) -> dict[str, Interval | None]:
    """Each metric's interval over the records' runs, or nothing if no level is asked for."""
    if level is None:
        return {}
    from dferbench.report.certainty import intervals_of

    return intervals_of(records, select, metrics, level)


def said(found: Interval | None) -> str:
    """An interval behind its number: " [68.10, 71.52]"."""
    return "" if found is None else f" [{found.low:.2f}, {found.high:.2f}]"


def as_data(found: Mapping[str, Interval | None]) -> dict[str, dict[str, float | str] | None]:
    """Intervals as plain data, by metric."""
    return {name: None if one is None else dict(vars(one)) for name, one in found.items()}


def about(found: Interval) -> str:
    """What stands in brackets, in a sentence or two."""
    return f"[low, high] is the {found.level:g} % interval of the mean. {found.says}"
