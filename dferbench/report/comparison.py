"""Two sides compared: what differs in the protocol, and then their numbers and paired tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dferbench.errors import ConfigError, DferbenchError
from dferbench.experiment import selection
from dferbench.experiment.metrics import Columns
from dferbench.printable import printable
from dferbench.report.by_rule import ready
from dferbench.report.differences import by_class, differences, numbers, pooled, unlike
from dferbench.report.fitted import folded
from dferbench.report.sides import RecordPair, Side, left_out, record_pairs


@dataclass(frozen=True)
class Comparison:
    """What was found of two runs or configurations, A and B; `print` shows it.

    `facts` are plain data, as `dferbench compare --json` prints them. Where the two are not comparable, and
    nobody asked for their numbers anyway, they hold no numbers.
    """

    facts: Mapping[str, Any]
    shown: Columns

    @property
    def differences(self) -> list[tuple[str, Any, Any]]:
        """The fields of the protocol that differ, with the value in A and in B."""
        return [(one["field"], one["a"], one["b"]) for one in self.facts["differences"]]

    @property
    def not_comparable(self) -> tuple[str, ...]:
        """Why their numbers say nothing about each other; empty if they do."""
        return tuple(self.facts["not_comparable"])

    @property
    def a(self) -> dict[str, float | None]:
        """The metrics of A in percent, means over the compared runs."""
        return dict(self.facts.get("numbers", {}).get("a", {}))

    @property
    def b(self) -> dict[str, float | None]:
        """The same of B."""
        return dict(self.facts.get("numbers", {}).get("b", {}))

    @property
    def paired(self) -> dict[str, Any]:
        """The paired tests, B minus A: per metric in "metrics" the `effect`, `low`, `high` and `p`, and
        McNemar's test; or "why_not" where there can be none."""
        return dict(self.facts.get("paired", {}))

    def require_comparable(self, *, anyway: bool) -> None:
        """Raise ConfigError if they are not, unless their numbers are wanted `anyway`."""
        if self.not_comparable and not anyway:
            raise ConfigError(
                f"these runs are not comparable: {'; '.join(self.not_comparable)}",
                "Add --anyway to see their numbers.",
            )

    def __str__(self) -> str:
        from dferbench.report.comparison_text import differences_text, results_text

        if "numbers" not in self.facts:
            return printable(differences_text(self.facts))
        return printable(folded("\n\n".join(results_text(self.facts, self.shown))))


def compared(
    a: Side, b: Side, select: str, shown: Columns, level: float, *, anyway: bool = False
) -> Comparison:
    """Compare two sides at the epochs that `select` picks, with intervals at `level` percent; without numbers
    if these say nothing about each other, unless they are wanted `anyway`.

    Raises UnknownName for no rule, and ConfigError if no fold and seed is in both.
    """
    selection.require(select)
    pairs = [(ready(one, select), ready(other, select)) for one, other in record_pairs(a, b)]
    reasons = list(dict.fromkeys(reason for pair in pairs for reason in unlike(*pair)))
    facts: dict[str, Any] = {
        "schema": 1,
        "a": str(a.path),
        "b": str(b.path),
        "select": select,
        "runs": len(pairs),
        "left_out": left_out(a, b, pairs),
        "differences": [
            {"field": name, "a": left, "b": right} for name, left, right in differences(*pairs[0], select)
        ],
        "not_comparable": reasons,
    }
    if anyway or not reasons:
        facts |= _results(pairs, select, shown, level)
    return Comparison(facts, shown)


def _results(pairs: Sequence[RecordPair], select: str, shown: Columns, level: float) -> dict[str, Any]:
    from dferbench.report.paired import paired

    first, second = ([pair[side] for pair in pairs] for side in (0, 1))
    try:
        tested = paired(pairs, select, shown, level)
    except DferbenchError as error:
        tested = {"why_not": str(error)}
    return {
        "metrics": [one.name for one in shown.metrics],
        "by": shown.by.name,
        "numbers": {"a": numbers(first, select, shown), "b": numbers(second, select, shown)},
        "confusion": {
            "a": pooled(first, select).confusion,
            "b": pooled(second, select).confusion,
        },
        "classes": by_class(first, second, select),
        "paired": tested,
    }
