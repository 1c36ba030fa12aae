"""What papers print, for a leaderboard: sorted, next to no run and under no rank."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from dferbench.experiment.metrics import Columns
from dferbench.experiment.printed import Printed, PrintedProtocol
from dferbench.experiment.protocol import folds_in_words, unlike_others
from dferbench.report.labels import told_apart
from dferbench.report.markup import markup

SAID = "Each under its own protocol, which its row states: not ranked."


def rows(printed: Iterable[Printed], dataset: str, shown: Columns) -> list[Printed]:
    """The rows with numbers on a dataset, best first; those that lack what ranks come last, and behind them
    those that can be compared with no other."""
    having = [one for one in printed if dataset in one.results]
    return sorted(having, key=lambda one: (bool(_why(one, dataset)), *_place(one, dataset, shown)))


def _place(one: Printed, dataset: str, shown: Columns) -> tuple[bool, float]:
    return shown.by.order(one.results[dataset].get(shown.by.name))


def _why(one: Printed, dataset: str) -> list[str]:
    """Why the numbers on a dataset are not comparable."""
    return [f"not comparable: {why}" for why in unlike_others(one.protocol(dataset))]


def datasets(printed: Iterable[Printed], wanted: Sequence[str]) -> list[str]:
    """Those that have numbers, in the order of the files; only the `wanted`, if any are."""
    found = dict.fromkeys(name for one in printed for name in one.results)
    return [name for name in found if not wanted or name in wanted]


def as_text(printed: Sequence[Printed], names: Sequence[str], shown: Columns, style: str) -> str:
    """A table a dataset, notes below, and what such numbers are."""
    form = markup(style)
    mine = [(one, name) for name in names for one in rows(printed, name, shown)]
    notes = list(dict.fromkeys(note for one, name in mine for note in _notes(one, name)))
    heads = ["published", "venue", *PROTOCOL, *shown.heads, "read in", ""]
    blocks = []
    for name in names:
        lines = [_line(one, name, notes, shown) for one in _told_apart(rows(printed, name, shown))]
        blocks.append(form.heading(f"{name}, as published, in percent"))
        blocks.append(form.table(lines, heads, 1))
    sources = dict.fromkeys(_source(one.protocol(name), where=True) for one, name in mine)
    addresses = [f"read in: {source}" for source in sources if "://" in source]
    below = [SAID, *(f"[{i}] {note}" for i, note in enumerate(notes, 1)), *addresses]
    return "\n\n".join([*blocks, form.notes(below)])


PROTOCOL = ["input", "pretraining", "selection", "folds", "frames", "clips"]
"""Columns of a protocol, of which no more has room."""


def _protocol(one: PrintedProtocol) -> list[str]:
    return [one.input, one.pretraining, one.select, folds_in_words(one), str(one.frames), str(one.clips)]


def _notes(one: Printed, dataset: str) -> Iterator[str]:
    yield from _why(one, dataset)
    if one.note:
        yield one.note


def _source(one: PrintedProtocol, *, where: bool = False) -> str:
    """Where numbers were read, with the number of the table, and with its address on request."""
    named = ", ".join(filter(None, [one.source, f"Table {one.table}" if one.table else ""]))
    return ": ".join(filter(None, [named, one.address])) if where else named


def _told_apart(printed: Sequence[Printed]) -> list[Printed]:
    """The rows with labels of which no two are alike: papers print one method several times."""
    facts = [{"venue": one.venue, "input": one.input, "id": one.id} for one in printed]
    labels = told_apart([one.label for one in printed], facts)
    return [one.model_copy(update={"label": text}) for one, text in zip(printed, labels, strict=True)]


def _line(one: Printed, dataset: str, notes: Sequence[str], shown: Columns) -> list[str]:
    protocol = one.protocol(dataset)
    numbers = [metric.text(one.results[dataset].get(metric.name)) for metric in shown.metrics]
    pointers = "".join(f"[{notes.index(note) + 1}]" for note in _notes(one, dataset))
    return [one.label, _venue(one), *_protocol(protocol), *numbers, _source(protocol), pointers]


def _venue(one: Printed) -> str:
    return f"{one.venue} {one.year or ''}".strip()


def as_data(printed: Sequence[Printed], names: Sequence[str], shown: Columns) -> list[dict[str, Any]]:
    """The same as plain data, a missing number being None."""
    return [
        {
            "dataset": name,
            **{metric: one.results[name].get(metric) for metric in ("uar", "war")},
            "scores": dict(one.results[name]),
            **one.model_dump(exclude={"results", "id", "on"}),
            **one.protocol(name).model_dump(),
            "comparable": not _why(one, name),
            "notes": list(_notes(one, name)),
        }
        for name in names
        for one in _told_apart(rows(printed, name, shown))
    ]


def as_lines(printed: Sequence[Printed], names: Sequence[str], shown: Columns) -> list[dict[str, Any]]:
    """The same as lines of a CSV file, by the heads of their columns."""
    return [
        {
            "dataset": name,
            "method": one.label,
            **{metric.title: one.results[name].get(metric.name) for metric in shown.metrics},
            "published": "yes",
            "venue": _venue(one),
            "backbone": one.backbone,
            **{key: _plain(value) for key, value in one.protocol(name)},
            "notes": "; ".join(_notes(one, name)),
        }
        for name in names
        for one in _told_apart(rows(printed, name, shown))
    ]


def _plain(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, tuple) else value
