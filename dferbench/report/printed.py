"""What papers print, for a leaderboard: sorted, next to no run and under no rank."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dferbench.experiment.metrics import Columns
from dferbench.experiment.printed import Printed
from dferbench.report.labels import told_apart
from dferbench.report.markup import markup


def rows(printed: Iterable[Printed], dataset: str, shown: Columns) -> list[Printed]:
    """The rows with numbers on a dataset, best first; those that lack what ranks come last."""
    having = [one for one in printed if dataset in one.results]
    return sorted(having, key=lambda one: shown.by.order(one.results[dataset].get(shown.by.name)))


def datasets(printed: Iterable[Printed], wanted: Sequence[str]) -> list[str]:
    """Those that have numbers, in the order of the files; only the `wanted`, if any are."""
    found = dict.fromkeys(name for one in printed for name in one.results)
    return [name for name in found if not wanted or name in wanted]


def as_text(printed: Sequence[Printed], names: Sequence[str], shown: Columns, style: str) -> str:
    """A table a dataset, notes below, and what such numbers are."""
    form = markup(style)
    notes = list(dict.fromkeys(one.note for one in printed if one.note and set(one.results) & set(names)))
    heads = ["published", "venue", "input", "pretraining", *shown.heads, "read in", ""]
    blocks = []
    for name in names:
        lines = [_line(one, name, notes, shown) for one in _told_apart(rows(printed, name, shown))]
        blocks.append(form.heading(f"{name}, as published, in percent"))
        blocks.append(form.table(lines, heads, 1))
    said = ["Each under its own protocol, most at the epoch that was best on the test videos: not ranked."]
    below = [*said, *(f"[{i}] {note}" for i, note in enumerate(notes, 1))]
    return "\n\n".join([*blocks, form.notes(below)])


def _told_apart(printed: Sequence[Printed]) -> list[Printed]:
    """The rows with labels of which no two are alike: papers print one method several times."""
    facts = [{"venue": one.venue, "input": one.input, "id": one.id} for one in printed]
    labels = told_apart([one.label for one in printed], facts)
    return [one.model_copy(update={"label": text}) for one, text in zip(printed, labels, strict=True)]


def _line(one: Printed, dataset: str, notes: Sequence[str], shown: Columns) -> list[str]:
    numbers = [metric.text(one.results[dataset].get(metric.name)) for metric in shown.metrics]
    venue = f"{one.venue} {one.year or ''}".strip()
    caveat = f"[{notes.index(one.note) + 1}]" if one.note else ""
    return [one.label, venue, one.input, one.pretraining, *numbers, one.source, caveat]


def as_data(printed: Sequence[Printed], names: Sequence[str], shown: Columns) -> list[dict[str, Any]]:
    """The same as plain data, a missing number being None."""
    return [
        {
            "dataset": name,
            **{metric: one.results[name].get(metric) for metric in ("uar", "war")},
            "scores": dict(one.results[name]),
            **one.model_dump(exclude={"results", "id", "table"}),
        }
        for name in names
        for one in _told_apart(rows(printed, name, shown))
    ]
