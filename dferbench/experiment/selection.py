"""Which epoch's result counts: functions over a finished run's curve, never a switch of the trainer.

One set of runs so answers under every rule, and the gap between the rules is visible.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dferbench.errors import UnknownName
from dferbench.experiment.counts import Confusion, Counts
from dferbench.experiment.metrics import war


def last(curve: Sequence[Confusion]) -> int:
    """The last epoch: chosen without looking at any test result."""
    return len(curve) - 1


def best_on_test(curve: Sequence[Confusion]) -> int:
    """The epoch with the best test WAR, the earliest of ties: what the published codes do. Optimistic."""
    return max(range(len(curve)), key=lambda epoch: (war(Counts(curve[epoch])) or 0.0, -epoch))


RULES: dict[str, Callable[[Sequence[Confusion]], int]] = {"last": last, "best-on-test": best_on_test}


def pick(rule: str, curve: Sequence[Confusion]) -> int:
    """The epoch that `rule` picks, counted from 0 over the whole run. Raises UnknownName for no rule."""
    require(rule)
    return RULES[rule](curve)


def require(rule: str) -> None:
    """Raise UnknownName for no rule."""
    if rule not in RULES:
        raise UnknownName("selection rule", rule, RULES)
