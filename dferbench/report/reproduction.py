"""Whether runs here reproduce a printed number: whether it lies inside their interval, or why none can tell.

The interval covers test videos, and folds and seeds as far as there are several. The printed number is taken
as it stands: it has no interval of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import TypeAlias

from dferbench.experiment.metrics import METRICS, Metric, Metrics
from dferbench.experiment.printed import UNKNOWN, PrintedProtocol
from dferbench.experiment.protocol import NONE, OwnProtocol, differences, incomparable, unknowns
from dferbench.experiment.record import Record
from dferbench.experiment.selection import RULES
from dferbench.experiment.suite import Row
from dferbench.report.caveats import meaning
from dferbench.report.certainty import intervals_of
from dferbench.statistics.intervals import Interval

REPRODUCED, BELOW, ABOVE = "reproduced", "below", "above"
NOT_COMPARABLE, NO_RESULT, INCOMPLETE = "not comparable", "no result yet", "incomplete"
HALF = 0.005
"""Half of the last digit that papers print: a printed value stands for all that round to it."""

Runs: TypeAlias = "Mapping[tuple[int, int], Record | None]"
"""Per fold and seed that were asked for the finished record, or None."""


@dataclass(frozen=True)
class Against:
    """One metric: the printed value, the mean over runs here, and the interval of that mean if it has one."""

    metric: Metric
    published: float
    mean: float
    interval: Interval | None

    @property
    def verdict(self) -> str:
        """Where the runs here lie: "below" if even the upper bound is below the printed value."""
        if self.interval is None or self.interval.low == self.interval.high:
            return NOT_COMPARABLE
        if self.interval.high < self.published - HALF:
            return BELOW
        return ABOVE if self.interval.low > self.published + HALF else REPRODUCED


@dataclass(frozen=True)
class Reproduction:
    """What can be said of a row: the verdict, the metrics, why there is no better verdict, and what differs.

    `unknown` is what the source does not say of its protocol, `pretraining` what both began with.
    """

    row: Row
    verdict: str
    select: str = ""
    runs: int = 0
    numbers: tuple[Against, ...] = ()
    why: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    pretraining: str = ""
    protocol: PrintedProtocol | None = None


@dataclass(frozen=True)
class Setting:
    """What holds for all runs of a row. `folds` are those of the data set."""

    dataset: str
    folds: tuple[int, ...] = ()
    own: OwnProtocol | None = None
    changes: tuple[str, ...] = ()
    """What the user asked for that makes another experiment of the row."""
    method: tuple[str, ...] = ()
    """How close the method is to the published one."""
    options: str = ""
    """The data set with options that the user gave it; empty where none were."""
    metrics: Metrics = field(default_factory=lambda: METRICS)


def hopeless(row: Row, dataset: str) -> tuple[str, ...]:
    """Why no run of the row could be compared, so that none need be made; empty if one could."""
    if row.printed is None:
        return ("the suite names no printed number for this row",)
    if not any(value is not None for value in row.printed.results.get(dataset, {}).values()):
        return (f"no number is printed on {dataset}",)
    return tuple(_hopeless(row.printed.protocol(dataset)))


def _hopeless(protocol: PrintedProtocol) -> Iterator[str]:
    yield from (f"as published, {why}" for why in incomparable(protocol))
    if "A" in protocol.input.split("+"):
        yield "as published, it hears the sound; runs here see the video alone"


def rule_for(row: Row, dataset: str, asked: str = "") -> str:
    """The selection rule under which runs are compared: the one asked for, else the printed number's own.

    Where that is not known, or not a rule that runs here can be selected by, it is the last epoch.
    """
    own = row.printed.protocol(dataset).select if row.printed else UNKNOWN
    return asked or (own if own in RULES else "last")


def without_runs(row: Row, dataset: str, select: str) -> Reproduction:
    """The verdict on a row of which nothing can be run, or need be."""
    protocol = row.printed.protocol(dataset) if row.printed and dataset in row.printed.results else None
    unknown = tuple(unknowns(protocol)) if protocol else ()
    if why := hopeless(row, dataset):
        return Reproduction(row, NOT_COMPARABLE, select, why=why, unknown=unknown, protocol=protocol)
    why = (f"no plugin registers the method {row.method}",)
    return Reproduction(row, NO_RESULT, select, why=why, unknown=unknown, protocol=protocol)


def reproduced(row: Row, setting: Setting, runs: Runs, select: str, level: float = 95.0) -> Reproduction:
    """The verdict on a row, from the runs that were asked for. `level` is in percent, in (0, 100)."""
    if row.printed is None or hopeless(row, setting.dataset):
        return without_runs(row, setting.dataset, select)
    protocol = row.printed.protocol(setting.dataset)
    needed = {run: one for run, one in runs.items() if run[0] in _folds(protocol, setting)}
    found = [one for one in needed.values() if one is not None]
    telling = found if all(one.answers(select) for one in found) else []
    numbers = tuple(_against(row.printed.results[setting.dataset], telling, setting.metrics, select, level))
    mute = [] if telling or not found else [f"{select} selects by a validation part, which these runs lack"]
    why = (*mute, *_spoilt(found, protocol, setting), *_undefined(numbers))
    gaps = tuple(_gaps(needed, protocol, setting))
    verdict = _verdict(numbers, why, gaps, bool(found))
    seeds = len({one.model_seed for one in found})
    own = OwnProtocol(**{**vars(setting.own), "select": select, "seeds": seeds}) if setting.own else None
    return Reproduction(
        row=row,
        verdict=verdict,
        select=select,
        runs=len(found),
        numbers=numbers,
        why=(*why, *gaps),
        differences=tuple(_differences(protocol, own, setting)) if found else (),
        unknown=tuple(unknowns(protocol)),
        pretraining=_pretraining(protocol, found),
        protocol=protocol,
    )


def _differences(protocol: PrintedProtocol, own: OwnProtocol | None, setting: Setting) -> Iterator[str]:
    yield from differences(protocol, own) if own else ()
    yield from setting.method
    if setting.options:
        yield f"data set: {setting.options} here"


def _folds(protocol: PrintedProtocol, setting: Setting) -> tuple[int, ...]:
    """The folds that the printed number is of."""
    return protocol.folds if isinstance(protocol.folds, tuple) else setting.folds


def _verdict(numbers: Sequence[Against], why: Sequence[str], gaps: Sequence[str], found: bool) -> str:
    """Of several metrics the worst: reproduced is what is reproduced in all of them."""
    if why:
        return NOT_COMPARABLE
    if not found:
        return NO_RESULT
    if gaps:
        return INCOMPLETE
    said = {one.verdict for one in numbers}
    return next(one for one in (NOT_COMPARABLE, BELOW, ABOVE, REPRODUCED) if one in said)


def _against(
    printed: Mapping[str, float | None], found: Sequence[Record], metrics: Metrics, select: str, level: float
) -> Iterator[Against]:
    """Every printed metric that is defined for all the runs."""
    if not found:
        return
    asked = [metrics[name] for name, value in printed.items() if value is not None and name in metrics]
    bounds = intervals_of(found, select, asked, level)
    for metric in asked:
        values = [one.value(metric, select) for one in found]
        there = [value for value in values if value is not None]
        value = printed[metric.name]
        if value is not None and len(there) == len(values):
            yield Against(metric, value, fmean(there), bounds[metric.name])


def _spoilt(found: Sequence[Record], protocol: PrintedProtocol, setting: Setting) -> Iterator[str]:
    """Why these runs cannot be held against the printed number: they are no results, or other experiments."""
    yield from (f"run with {change}, which the row does not ask for" for change in setting.changes)
    yield from map(meaning, dict.fromkeys(caveat for one in found for caveat in one.caveats))
    if protocol.pretraining not in (UNKNOWN, NONE) and any(not one.pretraining for one in found):
        yield f"it starts from {protocol.pretraining} as published, from nothing here"
    if protocol.pretraining == NONE and (
        started := dict.fromkeys(n for one in found for n in one.pretraining)
    ):
        yield f"it starts from nothing as published, from {', '.join(started)} here"


def _undefined(numbers: Sequence[Against]) -> Iterator[str]:
    for one in numbers:
        if one.interval is None:
            yield f"{one.metric.title} has no interval over these runs"
        elif one.interval.low == one.interval.high:
            yield f"too few test videos to tell: the interval of {one.metric.title} has no width"


def _gaps(runs: Runs, protocol: PrintedProtocol, setting: Setting) -> Iterator[str]:
    """Which runs the printed number needs and are not there."""
    needed = _folds(protocol, setting)
    asked = dict.fromkeys(fold for fold, _ in runs)
    if unasked := [fold for fold in needed if fold not in asked]:
        yield f"the printed number is also of fold{_s(unasked)} {_listed(unasked)}: --fold all"
    if missing := [run for run, one in runs.items() if one is None]:
        folds = list(dict.fromkeys(fold for fold, _ in missing))
        yield f"{len(missing)} of {len(runs)} runs are to do, of fold{_s(folds)} {_listed(folds)}"


def _s(several: Sequence[object]) -> str:
    return "s" if len(several) > 1 else ""


def _listed(folds: Sequence[int]) -> str:
    return ", ".join(map(str, folds))


def _pretraining(protocol: PrintedProtocol, found: Sequence[Record]) -> str:
    """What both began with, for the reader to compare."""
    if not found:
        return ""
    here = ", ".join(dict.fromkeys(name for one in found for name in one.pretraining)) or "nothing"
    return f"pretraining: {protocol.pretraining} as published, {here} here"
