"""Verdicts on printed numbers, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from dferbench.files import json_text
from dferbench.report.fitted import fitted, folded
from dferbench.report.reproduction import Against, Reproduction

ABOUT = (
    "reproduced: the published value lies inside the interval of the runs here; below, above: the runs here "
    "lie below or above it. A published value has no interval of its own."
)


def as_text(rows: Sequence[Reproduction], dataset: str, level: float) -> str:
    """A line a row, and below what a reader must know of it."""
    titles = list(dict.fromkeys(one.metric.title for row in rows for one in row.numbers))
    notes = list(dict.fromkeys(note for row in rows for note in _notes(row)))
    scores = [head for title in titles for head in (f"{title}\npublished", f"{title} here\n[{level:g} %]")]
    lines = [_line(row, titles, notes) for row in rows]
    heads = ["#", "row", "selection", *scores, "n", "verdict", ""]
    said = [f"[{i}] {note}" for i, note in enumerate(notes, 1)]
    table = fitted(lines, heads, labels=2, align=["left"] * len(heads))
    below = "\n".join(folded(note, "    ") for note in [*said, ABOUT, *_covers(rows)])
    return "\n\n".join([f"{dataset}: published numbers, and runs here, in percent", table, below])


def _line(row: Reproduction, titles: Sequence[str], notes: Sequence[str]) -> list[str]:
    by_title = {one.metric.title: one for one in row.numbers}
    scores = [cell for title in titles for cell in _cells(by_title.get(title))]
    pointers = "".join(f"[{notes.index(note) + 1}]" for note in _notes(row))
    runs = str(row.runs or "")
    return [str(row.row.number), row.row.label, row.select, *scores, runs, row.verdict, pointers]


def _cells(one: Against | None) -> tuple[str, str]:
    if one is None:
        return "", ""
    bounds = f" [{one.interval.low:.2f}, {one.interval.high:.2f}]" if one.interval else ""
    return one.metric.text(one.published), f"{one.metric.text(one.mean)}{bounds}"


def _notes(row: Reproduction) -> Iterator[str]:
    yield from (f"{row.verdict}: {why}" for why in row.why)
    yield from (f"differs: {one}" for one in row.differences)
    if row.unknown:
        yield f"the source does not say: {', '.join(row.unknown)}"
    if row.pretraining:
        yield row.pretraining
    yield from filter(None, [row.row.note, row.row.printed.note if row.row.printed else ""])


def _covers(rows: Sequence[Reproduction]) -> list[str]:
    found = (one.interval.says for row in rows for one in row.numbers if one.interval)
    return list(dict.fromkeys(found))


def as_json(suite: str, dataset: str, level: float, rows: Sequence[Reproduction]) -> str:
    """One JSON object."""
    facts = {"schema": 1, "suite": suite, "dataset": dataset, "level": level}
    return json_text({**facts, "rows": [_row(one) for one in rows]})


def _row(row: Reproduction) -> dict[str, Any]:
    printed = row.row.printed
    return {
        "number": row.row.number,
        "label": row.row.label,
        "method": row.row.method,
        "options": dict(row.row.sets),
        "published": printed.id if printed else None,
        "verdict": row.verdict,
        "why": list(row.why),
        "select": row.select,
        "runs": row.runs,
        "metrics": {one.metric.name: _as_data(one) for one in row.numbers},
        "differences": list(row.differences),
        "unknown": list(row.unknown),
        "pretraining": row.pretraining,
        "protocol": row.protocol.model_dump() if row.protocol else None,
        "notes": [note for note in (row.row.note, printed.note if printed else "") if note],
    }


def _as_data(one: Against) -> dict[str, Any]:
    bounds = vars(one.interval) if one.interval else {}
    return {"published": one.published, "mean": one.mean, **bounds, "verdict": one.verdict}
