"""A comparison in words: what differs, then the numbers and the paired tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from dferbench.experiment.metrics import Columns, Metric
from dferbench.report.aligned import as_text
from dferbench.report.fitted import fitted, terminal_width

Facts: TypeAlias = Mapping[str, Any]
"""As `report.comparison` makes them."""
WIDE = 130
"""Characters of a line in a pipe, where values may be long."""


def results_text(facts: Facts, shown: Columns) -> list[str]:
    """What differs, a warning where numbers say nothing, the numbers, the classes, and the paired test."""
    parts = [_numbers(facts, shown), _classes(facts), _test(facts, shown)]
    return [differences_text(facts), *_warning(facts), *parts]


def differences_text(facts: Facts) -> str:
    """The fields of the protocol that differ."""
    if not facts["differences"]:
        return "\n".join(["The protocol is the same in every recorded field.", *facts["left_out"]])
    rows = [[one["field"], *(_short(as_text(one[side])) for side in "ab")] for one in facts["differences"]]
    head = f"A: {facts['a']}\nB: {facts['b']}\n\nWhat differs:\n\n"
    table = fitted(rows, ["field", "A", "B"], width=terminal_width() or WIDE)
    return "\n".join([head + table, *([""] if facts["left_out"] else []), *facts["left_out"]])


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:197]}..."


def _warning(facts: Facts) -> list[str]:
    reasons = facts["not_comparable"]
    return (
        [f"NOT COMPARABLE: {'; '.join(reasons)}. The numbers below say nothing about each other."]
        if reasons
        else []
    )


def _numbers(facts: Facts, shown: Columns) -> str:
    a, b = facts["numbers"]["a"], facts["numbers"]["b"]
    found = facts["paired"].get("metrics", {})
    rows = [[one.head, *_difference(one, a, b), _bounds(found.get(one.name))] for one in shown.metrics]
    heads = ["percent", "A", "B", "B - A", _level(facts)]
    table = fitted(rows if found else [row[:-1] for row in rows], heads if found else heads[:-1])
    ahead = _ahead(shown.by, a[shown.by.name], b[shown.by.name])
    several = f", means over {facts['runs']} runs of the same folds and seeds" if facts["runs"] > 1 else ""
    return f"Selection: {facts['select']}{several}\n\n{table}\n\n{ahead}"


def _level(facts: Facts) -> str:
    return f"{facts['paired'].get('level', 0):g} % interval"


def _bounds(one: Facts | None) -> str:
    return "-" if one is None else f"[{one['low']:+.2f}, {one['high']:+.2f}]"


def _difference(one: Metric, a: dict[str, float | None], b: dict[str, float | None]) -> list[str]:
    left, right = a[one.name], b[one.name]
    gain = "-" if left is None or right is None else f"{right - left:+.2f}"
    return [one.text(left), one.text(right), gain]


def _ahead(by: Metric, a: float | None, b: float | None) -> str:
    if a is None or b is None:
        why = (
            ", as a record lacks top-2 hits and predictions to count them again"
            if by.needs != "confusion"
            else ""
        )
        return f"{by.title} is not defined for both{why}."
    if by.order(a) == by.order(b):
        return f"By {by.title} they are equal."
    return f"By {by.title}, {'A' if by.order(a) < by.order(b) else 'B'} is ahead."


def _classes(facts: Facts) -> str:
    found = {one["class"]: one for one in facts["paired"].get("classes", [])}
    heads = ["class", "recall of A", "recall of B", "precision of A", "precision of B"]
    rows = [
        [one["class"], *(_recall(one[side]) for side in "ab"), *(_precision(one[side]) for side in "ab")]
        for one in facts["classes"]
    ]
    if found:
        heads.insert(3, f"B - A, {_level(facts)}")
        for row in rows:
            gain = found.get(row[0])
            row.insert(3, f"{gain['effect']:+.2f} {_bounds(gain)}" if gain else "-")
    return fitted(rows, heads)


def _recall(one: Facts | None) -> str:
    if one is None or one["recall"] is None:
        return "no videos"
    return f"{one['recall']:.2f} ({one['right']} of {one['videos']})"


def _precision(one: Facts | None) -> str:
    return "never predicted" if one is None or one["precision"] is None else f"{one['precision']:.2f}"


def _test(facts: Facts, shown: Columns) -> str:
    test = facts["paired"]
    if "why_not" in test:
        return f"No paired test: {test['why_not']}."
    ahead = (
        f"B is right on {test['more']:.4g} more"
        if test["more"] >= 0
        else f"A is right on {-test['more']:.4g} more"
    )
    known = {one.title: test["metrics"][one.name] for one in shown.metrics if test["metrics"][one.name]}
    least = " or ".join(f"{one['smallest']:.2f} of {title}" for title, one in known.items())
    chances = ", ".join(f"{title} {one['p']:.3g}" for title, one in known.items())
    surprising = [
        f"{one['class']} {one['p']:.3g}" for one in test["classes"] if one["p"] < 1 - test["level"] / 100
    ]
    lines = [
        f"{test['videos']} videos are in both; {ahead}: A alone is right on {test['only_a']}, B alone on "
        f"{test['only_b']}.",
        test["covers"],
        f"The smallest difference that such data show in 80 of 100 cases: {least}.",
        f"p, the chance of such a difference if there were none: {chances}; of recalls, corrected for their "
        f"number (Holm): {', '.join(surprising) or 'none is small'}.",
        f"On these videos and trained models alone, McNemar's exact p = {test['p']:.3g}.",
    ]
    return "\n".join(lines)
