"""A table as text, Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

from tabulate import tabulate

from dferbench.report.table import PUBLISHED, Block, Line, Number, Pair, Sheet

RANKED = {0: "{}", 1: "**{}**", 2: "<ins>{}</ins>"}


def text(sheet: Sheet) -> str:
    """Columns aligned by spaces, for a pipe or a file. Ranks are not shown: text has no bold."""
    heads = ["", "", *_heads(sheet, "\n")]
    lines = list(_lines(sheet, str, lambda number: str(number.score)))
    table = tabulate(lines, heads, tablefmt="simple", disable_numparse=True, colalign=_aligned(heads))
    notes = "\n".join(f"[{letter}] {note}" for letter, note in sheet.notes)
    return "\n\n".join(part for part in (title(sheet), str(table), notes) if part)


def markdown(sheet: Sheet) -> str:
    """A Markdown table, best bold and second underlined."""
    heads = ["", "", *_heads(sheet, "<br>")]
    lines = list(_lines(sheet, escape_markdown, lambda n: RANKED[n.rank].format(n.score)))
    table = tabulate(lines, heads, tablefmt="pipe", disable_numparse=True, colalign=_aligned(heads))
    notes = "\n".join(f"- [{letter}] {escape_markdown(note)}" for letter, note in sheet.notes)
    return "\n\n".join(part for part in (escape_markdown(title(sheet)), str(table), notes) if part)


def _aligned(heads: list[str]) -> list[str]:
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
    beside = [f"{one.name}{brackets(one.caveats)}" for one in sheet.beside]
    blocks = [_head(block, name, separator) for block in sheet.blocks for name in block.columns]
    return [*(escape_markdown(name) if separator == "<br>" else name for name in beside), *blocks]


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
        cells = [cell for block, pair in zip(sheet.blocks, line.pairs, strict=True)
                 for cell in _cells(block, pair, show)]  # fmt: skip
        beside = map(escape, sheet.texts(line))
        yield [first, escape(row.label) + brackets(line.caveats), *beside, *cells]


def _cells(block: Block, pair: Pair | None, show: Callable[[Number], str]) -> list[str]:
    caveats = brackets(pair.caveats) if pair else ""
    return [
        "" if cell is None else show(cell) + caveats if isinstance(cell, Number) else str(cell)
        for cell in block.cells(pair)
    ]


def escape_markdown(text: str) -> str:
    """The text with everything that Markdown or a table cell would take for markup made harmless."""
    for character in r"\`*_{}[]<>#|~^$":
        text = text.replace(character, f"\\{character}")
    return text.replace("&", "&amp;")


def comma_separated(sheet: Sheet) -> str:
    """CSV, one row a line, numbers in full; an empty field is a missing number."""
    names = [
        f"{b.dataset} {b.kind} {name}"
        for b in sheet.blocks
        for name in (("UAR", "WAR") if b.kind == PUBLISHED else ("UAR", "UAR std", "WAR", "WAR std", "n"))
    ]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    beside = [one.name for one in sheet.beside]
    writer.writerow(["group", "label", "method", "options", *beside, *names, "notes"])
    notes = dict(sheet.notes)
    for place, line in enumerate(sheet.lines):
        row = line.row
        values = [one.values[place] for one in sheet.beside]
        pairs = [v for b, p in zip(sheet.blocks, line.pairs, strict=True) for v in _plain_cells(b, p)]
        options = " ".join(f"{name}={value}" for name, value in row.sets.items())
        letters = dict.fromkeys(_letters_of(sheet, line))
        said = "; ".join(notes[letter] for letter in letters)
        writer.writerow([row.group, row.label, row.method, options, *values, *pairs, said])
    return out.getvalue().rstrip("\n")


def _plain_cells(block: Block, pair: Pair | None) -> list[Any]:
    if block.kind == PUBLISHED:
        return [number and number.score.mean for number in (pair.uar, pair.war)] if pair else [None, None]
    if pair is None or pair.uar is None or pair.war is None:
        return [None] * 5
    uar, war = pair.uar.score, pair.war.score
    return [uar.mean, uar.spread, war.mean, war.spread, uar.runs]


def _letters_of(sheet: Sheet, line: Line) -> Iterator[str]:
    yield from line.caveats
    yield from (caveat for one in sheet.beside for caveat in one.caveats)
    for block, pair in zip(sheet.blocks, line.pairs, strict=True):
        if pair:
            yield from (*block.caveats, *pair.caveats)


def as_json(sheet: Sheet) -> str:
    """One JSON object; missing numbers are null."""
    suite = sheet.suite
    return json.dumps(
        {
            "schema": 1,
            "suite": suite.name,
            "title": suite.title,
            "source": suite.source,
            "published_select": suite.select,
            "notes": dict(sheet.notes),
            "rows": [_row(sheet, place) for place in range(len(sheet.lines))],
        },
        ensure_ascii=False,
    )


def _row(sheet: Sheet, place: int) -> dict[str, Any]:
    line = sheet.lines[place]
    row = line.row
    results = [
        {
            "dataset": b.dataset,
            "kind": b.kind,
            "notes": [*b.caveats, *(p.caveats if p else ())],
            **_numbers(p),
        }
        for b, p in zip(sheet.blocks, line.pairs, strict=True)
    ]
    facts = {"number": row.number, "group": row.group, "label": row.label, "method": row.method}
    beside = {"beside": {one.name: one.values[place] for one in sheet.beside}} if sheet.beside else {}
    return {**facts, "options": dict(row.sets), **beside, "notes": list(line.caveats), "results": results}


def _numbers(pair: Pair | None) -> dict[str, Any]:
    if pair is None:
        return {"runs": 0, "uar": None, "war": None}
    return {"runs": pair.runs, "uar": _number(pair.uar), "war": _number(pair.war)}


def _number(number: Number | None) -> dict[str, Any] | None:
    if number is None:
        return None
    return {"mean": number.score.mean, "std": number.score.spread, "rank": number.rank or None}
