"""How runs learnt: what each epoch gave, as lines, a line a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from dferbench.errors import ConfigError
from dferbench.experiment.curve import Epoch
from dferbench.experiment.metrics import Metric
from dferbench.experiment.record import Record

Line = Sequence[float | None]
"""A value an epoch over the whole run, None where it is undefined."""


def losses(records: Sequence[Record]) -> dict[str, list[Line]]:
    """Per loss term the line of each run."""
    return _by_name(records, lambda epoch: epoch.terms)


def learning_rates(records: Sequence[Record]) -> dict[str, list[Line]]:
    """Per pattern of parameter names the line of each run."""
    return _by_name(records, lambda epoch: epoch.learning_rates)


def scores(records: Sequence[Record], metric: Metric) -> list[Line]:
    """Of each run the metric of the test videos after each epoch."""
    return [[metric.of(epoch.counts) for epoch in curve_of(one)] for one in records]


def held_scores(records: Sequence[Record], metric: Metric) -> list[Line]:
    """The same of the validation videos; of runs without there is no line."""
    runs = [one for one in records if one.validation]
    return [[metric.of(held) if (held := e.held) else None for e in curve_of(one)] for one in runs]


def mean_line(lines: Sequence[Line]) -> list[float | None]:
    """The mean over runs of each epoch that all of them have; None where one lacks a value."""
    found: list[float | None] = []
    for values in zip(*lines, strict=False):
        there = [value for value in values if value is not None]
        found.append(sum(there) / len(there) if len(there) == len(values) else None)
    return found


def stages(records: Sequence[Record]) -> dict[str, int]:
    """The stages of the run with most epochs, and the epoch over the whole run with which each begins."""
    longest = max((curve_of(one) for one in records), key=len)
    found: dict[str, int] = {}
    for place, epoch in enumerate(longest):
        found.setdefault(epoch.stage, place)
    return found


def curve_of(one: Record) -> Sequence[Epoch]:
    """The curve of a record that has been read with it. Raises ConfigError for a run without epochs."""
    if not one.curve:
        why = "its curve was not read" if one.epochs else "it trained no epoch"
        raise ConfigError(
            f"no learning curve of {one.method}, fold {one.fold} seed {one.seed}: {why}",
            "Choose runs that were trained here (dferbench run).",
        )
    return one.curve


def _by_name(records: Sequence[Record], of: Callable[[Epoch], Mapping[str, float]]) -> dict[str, list[Line]]:
    curves = [curve_of(one) for one in records]
    names = dict.fromkeys(name for curve in curves for epoch in curve for name in of(epoch))
    return {name: [[of(epoch).get(name) for epoch in curve] for curve in curves] for name in names}
