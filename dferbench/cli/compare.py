"""`dferbench compare A B`: what differs between two runs, and only then their numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dferbench.cli.arguments import MetricNames, RankedBy, Selection
from dferbench.errors import ConfigError, DferbenchError
from dferbench.files import json_text

if TYPE_CHECKING:
    from dferbench.experiment.metrics import Columns, Metric, Metrics
    from dferbench.experiment.record import Record

WIDE = 130
"""Characters of a line in a pipe, where values may be long."""


def compare(
    context: typer.Context,
    a: Annotated[Path, typer.Argument(help="The folder of a run (fold1-seed0), or its record.json.")],
    b: Annotated[Path, typer.Argument(help="Another.")],
    select: Selection = "last",
    anyway: Annotated[bool, typer.Option("--anyway", help="Even if their videos are not the same.")] = False,
    metrics: MetricNames = "uar,war",
    by: RankedBy = "",
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare two runs: first which parts of the protocol differ, then the numbers and a paired test."""
    from dferbench.experiment import selection
    from dferbench.experiment.metrics import columns, registered
    from dferbench.report.by_rule import ready
    from dferbench.report.differences import by_class, differences, numbers, unlike
    from dferbench.report.fitted import folded

    selection.require(select)
    known = registered(context.obj)
    shown = columns(metrics, by, known)
    paths = tuple(map(_path, (a, b)))
    first, second = (ready(_finished(path, known), select) for path in paths)
    differ, reasons = differences(first, second, select), unlike(first, second)
    facts: dict[str, Any] = {
        "schema": 1,
        "a": str(paths[0]),
        "b": str(paths[1]),
        "select": select,
        "differences": [{"field": name, "a": left, "b": right} for name, left, right in differ],
        "not_comparable": reasons,
    }
    if reasons and not anyway:
        typer.echo(json_text(facts) if json_ else _differences(facts))
        raise ConfigError(
            f"these runs are not comparable: {'; '.join(reasons)}", "Add --anyway to see their numbers."
        )
    facts |= {"metrics": [one.name for one in shown.metrics], "by": shown.by.name}
    facts |= {"numbers": {"a": numbers(first, select, shown), "b": numbers(second, select, shown)}}
    facts |= {"confusion": {"a": first.under(select), "b": second.under(select)}}
    facts |= {"classes": by_class(first, second, select), "paired": _paired(first, second, paths, select)}
    typer.echo(json_text(facts) if json_ else folded("\n\n".join(_text(facts, shown))))


def _path(given: Path) -> Path:
    from dferbench.experiment import record

    path = given / record.NAME if given.is_dir() else given
    if path.exists() or path.is_symlink():  # of what is no regular file, reading says what it is
        return path
    below = [p.parent for p in record.find(given)] if given.is_dir() else []
    hint = f"Name one run of it, such as {below[0]}." if below else "Name the folder of a run."
    raise ConfigError(f"there is no record at {path}", hint)


def _finished(path: Path, known: Metrics) -> Record:
    from dferbench.experiment import record
    from dferbench.report.recount import recounted

    one = recounted(record.read(path, known), path.parent)
    if one.status != "done":
        raise ConfigError(f"{path} is of a run that is {one.status}", "Finish it first.")
    return one


def _paired(a: Record, b: Record, paths: tuple[Path, ...], select: str) -> dict[str, Any]:
    """The paired test, or under "why_not" the reason why there is none."""
    from dferbench.report.paired import intervals, mcnemar, read_paired

    if any(one.under(select) != one.confusion for one in (a, b)):
        return {"why_not": f"predictions are kept of the last epoch alone, not of {select}"}
    try:
        shared = read_paired(a, b, (paths[0].parent, paths[1].parent))
    except DferbenchError as error:
        return {"why_not": str(error)}
    return {"videos": len(shared.label), **mcnemar(shared), "intervals": intervals(shared)}


def _text(facts: dict[str, Any], shown: Columns) -> list[str]:
    return [_differences(facts), *_warning(facts), _numbers(facts, shown), _classes(facts), _test(facts)]


def _differences(facts: dict[str, Any]) -> str:
    from dferbench.report.aligned import as_text
    from dferbench.report.fitted import fitted, terminal_width

    if not facts["differences"]:
        return "The protocol is the same in every recorded field."
    rows = [[one["field"], *(_short(as_text(one[side])) for side in "ab")] for one in facts["differences"]]
    head = f"A: {facts['a']}\nB: {facts['b']}\n\nWhat differs:\n\n"
    return head + fitted(rows, ["field", "A", "B"], width=terminal_width() or WIDE)


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:197]}..."


def _warning(facts: dict[str, Any]) -> list[str]:
    reasons = facts["not_comparable"]
    return (
        [f"NOT COMPARABLE: {'; '.join(reasons)}. The numbers below say nothing about each other."]
        if reasons
        else []
    )


def _numbers(facts: dict[str, Any], shown: Columns) -> str:
    from dferbench.report.fitted import fitted

    a, b = facts["numbers"]["a"], facts["numbers"]["b"]
    rows = [[one.head, *_difference(one, a[one.name], b[one.name])] for one in shown.metrics]
    table = fitted(rows, ["percent", "A", "B", "B - A"])
    ahead = _ahead(shown.by, a[shown.by.name], b[shown.by.name])
    return f"Selection: {facts['select']}\n\n{table}\n\n{ahead}"


def _difference(one: Metric, a: float | None, b: float | None) -> list[str]:
    gain = "-" if a is None or b is None else f"{b - a:+.2f}"
    return [one.text(a), one.text(b), gain]


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


def _classes(facts: dict[str, Any]) -> str:
    from dferbench.report.fitted import fitted

    rows = [
        [one["class"], *(_recall(one[side]) for side in "ab"), *(_precision(one[side]) for side in "ab")]
        for one in facts["classes"]
    ]
    return fitted(rows, ["class", "recall of A", "recall of B", "precision of A", "precision of B"])


def _recall(one: dict[str, Any] | None) -> str:
    if one is None or one["recall"] is None:
        return "no videos"
    return f"{one['recall']:.2f} ({one['right']} of {one['videos']})"


def _precision(one: dict[str, Any] | None) -> str:
    return "never predicted" if one is None or one["precision"] is None else f"{one['precision']:.2f}"


def _test(facts: dict[str, Any]) -> str:
    test = facts["paired"]
    if "why_not" in test:
        return f"No paired test: {test['why_not']}."
    lines = [
        f"{test['videos']} videos are in both: A alone is right on {test['only_a']}, B alone on "
        f"{test['only_b']}; McNemar's exact p = {test['p']:.3g}."
    ]
    for name, (low, high) in test["intervals"].items():
        lines.append(
            f"{name.upper()}, B - A: 95 % of paired bootstrap draws lie in [{low:+.2f}, {high:+.2f}]."
        )
    lines.append("This is about these videos and these two trained models, not about other seeds or folds.")
    return "\n".join(lines)
