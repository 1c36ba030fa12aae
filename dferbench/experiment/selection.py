"""Which epoch's result counts: functions over a finished run's curve, never a switch of the trainer.

One set of runs so answers under every rule, and the gap between the rules is visible. "val" chooses by the
validation videos; `val:METRIC`, such as val:uar, by another metric of them than WAR.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from dferbench.errors import UnknownName
from dferbench.experiment.counts import Counts
from dferbench.experiment.metrics import METRICS, find, war

LAST, BEST, VAL = "last", "best-on-test", "val"


class Tested(Protocol):
    """An epoch: what the model did on the test videos, and on those held out of the training videos."""

    @property
    def counts(self) -> Counts: ...  # noqa: D102

    @property
    def held(self) -> Counts | None: ...  # noqa: D102


def last(curve: Sequence[Tested]) -> int:
    """The last epoch: chosen without looking at any test result."""
    return len(curve) - 1


def best_on_test(curve: Sequence[Tested]) -> int:
    """The epoch with the best test WAR, the earliest of ties: what the published codes do. Optimistic."""
    return max(range(len(curve)), key=lambda epoch: (war(curve[epoch].counts) or 0.0, -epoch))


def best_on_validation(curve: Sequence[Tested], metric: str = "war") -> int:
    """The epoch with the best validation WAR, or another metric; of ties the one with the best WAR, then UAR,
    then the earliest. No test result is looked at.

    Raises UnknownName for no metric, and ValueError if an epoch has no validation result.
    """
    by = [find(metric, METRICS), METRICS["war"], METRICS["uar"]]

    def place(epoch: int) -> tuple[list[tuple[bool, float]], int]:
        held = curve[epoch].held
        if held is None:
            raise ValueError(f"epoch {epoch + 1} has no validation result")
        values = [(one, one.of(held)) for one in by]
        # Equal but for the order of additions is equal.
        return [one.order(value and round(value, 9)) for one, value in values], epoch

    return min(range(len(curve)), key=place)


RULES: dict[str, Callable[[Sequence[Tested]], int]] = {
    LAST: last,
    BEST: best_on_test,
    VAL: best_on_validation,
}


def pick(rule: str, curve: Sequence[Tested]) -> int:
    """The epoch that `rule` picks, counted from 0 over the whole run. Raises UnknownName for no rule, and
    ValueError if it looks at validation results and there are none."""
    require(rule)
    return RULES[rule](curve) if rule in RULES else best_on_validation(curve, rule.partition(":")[2])


def require(rule: str, what: str = "selection rule") -> None:
    """Raise UnknownName for no rule."""
    name, colon, metric = rule.partition(":")
    if colon and name == VAL:
        find(metric, METRICS)
    elif rule not in RULES:
        raise UnknownName(what, rule, [*RULES, f"{VAL}:METRIC"])


def by_validation(rule: str) -> bool:
    """Whether the rule looks at validation results."""
    return rule.partition(":")[0] == VAL


def ended_early(curve: Sequence[Tested], epochs: int, patience: int | None) -> bool:
    """Whether a stage ends, of which as many epochs are done, the last of the curve: `patience` epochs have
    passed since the best of them on the validation videos."""
    if patience is None or not epochs:
        return False
    return epochs - 1 - best_on_validation(curve[len(curve) - epochs :]) >= patience
