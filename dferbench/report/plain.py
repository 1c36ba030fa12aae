"""A table as text, Markdown, CSV and JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from dferbench.csv_text import csv_text
from dferbench.experiment.protocol import in_one_line
from dferbench.files import json_text
from dferbench.report.aligned import aligned
from dferbench.report.escapes import escape_markdown
from dferbench.report.fitted import fitted, folded
from dferbench.report.table import PUBLISHED, Block, Cells, Line, Number, Sheet

RANKED = {0: "{}", 1: "**{}**", 2: "<ins>{}</ins>"}


def text(sheet: Sheet) -> str:
    """Columns aligned by spaces, for a pipe or a file. Ranks are not shown: text has no bold."""
    heads = ["", "", *_heads(sheet, "\n")]
    lines = list(_lines(sheet, str, str))
    table = fitted(lines, heads, labels=2, align=_sides(heads))
    notes = "\n".join(folded(f"[{letter}] {note}", "    ") for letter, note in sheet.notes)
    return "\n\n".join(part for part in (folded(title(sheet)), table, notes) if part)


def markdown(sheet: Sheet) -> str:
    """A Markdown table, best bold and second underlined."""
    heads = ["", "", *_heads(sheet, "<br>")]
    lines = list(_lines(sheet, escape_markdown, lambda n: RANKED[n.rank].format(escape_markdown(str(n)))))
    table = aligned(lines, heads, "pipe", align=_sides(heads))
    notes = "\n".join(f"- [{letter}] {escape_markdown(note)}" for letter, note in sheet.notes)
    return "\n\n".join(part for part in (escape_markdown(title(sheet)), table, notes) if part)


def _sides(heads: list[str]) -> list[str]:
    return ["left", "left", *["right"] * (len(heads) - 2)]


def title(sheet: Sheet) -> str:
    """What the table is, in one line."""
    return f"{sheet.suite.title}. {about(sheet)}"


def about(sheet: Sheet) -> str:
    """Where the published numbers come from, and what all numbers are."""
    printed = any(block.kind == PUBLISHED for block in sheet.blocks)
    source = f"Published: {sheet.suite.source}. " if printed and sheet.suite.source else ""
    return f"{source}Test results in percent; n runs, mean ± standard deviation."


def _heads(sheet: Sheet, separator: str) -> list[str]:
    """Of every column behind the label."""
    extra = [f"{one.name}{brackets(one.caveats)}" for one in sheet.extra_columns]
    blocks = [_head(block, name, separator) for block in sheet.blocks for name in block.columns]
    return [*(escape_markdown(name) if separator == "<br>" else name for name in extra), *blocks]


def _head(block: Block, name: str, separator: str) -> str:
    words = (block.name, f"{block.kind}{brackets(block.caveats)}", name)
    return separator.join(escape_markdown(w) if separator == "<br>" else w for w in words)


def brackets(caveats: tuple[str, ...]) -> str:
    """Letters of footnotes, as text shows them."""
    return f" [{','.join(caveats)}]" if caveats else ""


def _lines(sheet: Sheet, escape: Callable[[str], str], show: Callable[[Number], str]) -> Iterator[list[str]]:
    group = ""
    for line in sheet.lines:
        row = line.row
        first = escape(row.group) if row.group != group else ""
        group = row.group
        blocks = zip(sheet.blocks, line.cells, strict=True)
        cells = [cell for block, mine in blocks for cell in _cells(block, mine, show)]
        extra = map(escape, sheet.texts(line))
        yield [first, escape(row.label) + brackets(line.caveats), *extra, *cells]


def _cells(block: Block, cells: Cells | None, show: Callable[[Number], str]) -> list[str]:
    caveats = brackets(cells.caveats) if cells else ""
    return [
        "" if cell is None else show(cell) + caveats if isinstance(cell, Number) else str(cell)
        for cell in block.cells(cells)
    ]


def comma_separated(sheet: Sheet) -> str:
    """CSV, one row a line, numbers in full; an empty field is a missing number."""
    names = [f"{b.dataset} {b.kind} {name}" for b in sheet.blocks for name in _plain_heads(b)]
    extra = [one.name for one in sheet.extra_columns]
    rows: list[list[Any]] = [["group", "label", "method", "options", *extra, *names, "notes"]]
    notes = dict(sheet.notes)
    for place, line in enumerate(sheet.lines):
        row = line.row
        values = [one.values[place] for one in sheet.extra_columns]
        numbers = [v for b, c in zip(sheet.blocks, line.cells, strict=True) for v in _plain_cells(b, c)]
        options = " ".join(f"{name}={value}" for name, value in row.sets.items())
        letters = dict.fromkeys(_letters_of(sheet, line))
        said = "; ".join(notes[letter] for letter in letters)
        rows.append([row.group, row.label, row.method, options, *values, *numbers, said])
    return csv_text(rows).rstrip("\n")


def _plain_heads(block: Block) -> list[str]:
    if block.kind == PUBLISHED:
        return [*block.columns, "protocol"]
    parts = ("", " std") if block.level is None else ("", " std", " low", " high")
    return [*(f"{one.head}{part}" for one in block.metrics for part in parts), "n"]


def _plain_cells(block: Block, cells: Cells | None) -> list[Any]:
    """Under `_plain_heads`; a number that is missing is None."""
    numbers = [cells.numbers.get(one.name) if cells else None for one in block.metrics]
    if block.kind == PUBLISHED:
        protocol = in_one_line(cells.protocol) if cells and cells.protocol else None
        return [*(number and number.score.mean for number in numbers), protocol]
    values = [v for n in numbers for v in _plain_number(n, block.level is not None)]
    return [*values, cells.runs if cells else None]


def _plain_number(number: Number | None, with_interval: bool) -> list[float | None]:
    mean, spread = (number.score.mean, number.score.spread) if number else (None, None)
    known = number.interval if number else None
    bounds = [known.low, known.high] if known else [None, None]
    return [mean, spread, *(bounds if with_interval else ())]


def _letters_of(sheet: Sheet, line: Line) -> Iterator[str]:
    yield from line.caveats
    yield from (caveat for one in sheet.extra_columns for caveat in one.caveats)
    for block, cells in zip(sheet.blocks, line.cells, strict=True):
        if cells:
            yield from (*block.caveats, *cells.caveats)


def as_json(sheet: Sheet) -> str:
    """One JSON object; missing numbers are null."""
    suite = sheet.suite
    return json_text(
        {
            "schema": 1,
            "suite": suite.name,
            "title": suite.title,
            "source": suite.source,
            "published_select": suite.select,
            "notes": dict(sheet.notes),
            "rows": [_row(sheet, place) for place in range(len(sheet.lines))],
        },
    )


def _row(sheet: Sheet, place: int) -> dict[str, Any]:
    line = sheet.lines[place]
    row = line.row
    results = [
        {
            "dataset": b.dataset,
            "kind": b.kind,
            "notes": [*b.caveats, *(c.caveats if c else ())],
            **_numbers(b, c),
            **({"protocol": c.protocol.model_dump()} if c and c.protocol else {}),
        }
        for b, c in zip(sheet.blocks, line.cells, strict=True)
    ]
    facts = {"number": row.number, "group": row.group, "label": row.label, "method": row.method}
    extra = (
        {"extra_columns": {one.name: one.values[place] for one in sheet.extra_columns}}
        if sheet.extra_columns
        else {}
    )
    return {**facts, "options": dict(row.sets), **extra, "notes": list(line.caveats), "results": results}


def _numbers(block: Block, cells: Cells | None) -> dict[str, Any]:
    """Every shown metric under "scores"; UAR and WAR also where first releases had them."""
    scores = {m.name: _number(cells.numbers.get(m.name) if cells else None) for m in block.metrics}
    first: dict[str, Any] = {name: scores[name] for name in ("uar", "war") if name in scores}
    return {"runs": cells.runs if cells else 0, **first, "scores": scores}


def _number(number: Number | None) -> dict[str, Any] | None:
    if number is None:
        return None
    found = {"mean": number.score.mean, "std": number.score.spread, "rank": number.rank or None}
    known = number.interval
    return found | ({} if known is None else {"interval": dict(vars(known))})
