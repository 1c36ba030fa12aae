"""Records under a selection rule: which of them answer it, and how optimistic the best epoch on test is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from dferbench.experiment import record, selection
from dferbench.experiment.curve import BadCurve
from dferbench.experiment.metrics import Metric
from dferbench.experiment.record import Record

OPTIMISM = "optimism"
"""What tables call a column of differences, where others have the name of a rule."""
MEANING = "optimism: the test result at the epoch that is best on test, minus that at the best on validation"
LAST_EPOCH = "checkpoints and predictions that runs left are of their last epoch, whichever epoch is selected"


def answering(records: Iterable[Record], rule: str) -> tuple[list[Record], list[str]]:
    """The records that answer the rule, with their curve where it is needed, and lines on those left out.

    Raises UnknownName for no rule.
    """
    selection.require(rule)
    found, told, without = [], [], 0
    for one in records:
        if not one.answers(rule):
            without += 1
            continue
        try:
            found.append(ready(one, rule))
        except BadCurve as error:
            told.append(f"left out: {error}. {error.hint}")
    if without:
        told.insert(0, f"left out of {rule}: {_runs(without)} without validation videos (run --validation)")
    return found, told


def ready(one: Record, rule: str) -> Record:
    """A record states the epochs that the plain rules pick; for others its curve is read. Raises BadCurve."""
    read = rule not in selection.RULES and one.epochs and one.folder
    return record.with_curve(one, Path(one.folder)) if read else one


def rule_of(kind: str) -> str:
    """The rule that a column of this kind needs; both rules of the optimism need what val needs."""
    return selection.VAL if kind == OPTIMISM else kind


def values(records: Sequence[Record], kind: str, metric: Metric) -> list[float | None]:
    """Of each run the metric under a rule, or, for the kind OPTIMISM, how much better it is at the epoch
    that is best on test than at the one that validation picks; None where it is undefined."""
    if kind != OPTIMISM:
        return [one.value(metric, kind) for one in records]
    return [_difference(metric, one) for one in records]


def _difference(metric: Metric, one: Record) -> float | None:
    best, chosen = (one.value(metric, rule) for rule in (selection.BEST, selection.VAL))
    return None if best is None or chosen is None else best - chosen


def left_out(records: Sequence[Record], kind: str) -> Iterator[str]:
    """A note on runs of a row that do not answer."""
    if without := sum(not one.answers(rule_of(kind)) for one in records):
        yield f"{_runs(without)} without validation videos left out"


def _runs(count: int) -> str:
    return f"{count} run{'s' if count > 1 else ''}"
