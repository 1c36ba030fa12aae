"""A table as one HTML page that needs nothing else."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from dferbench.report.plain import about
from dferbench.report.table import Number, Sheet


def html(sheet: Sheet) -> str:
    """The page: light or dark as the reader's system is, wide tables scroll within themselves."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    pages = Environment(
        loader=PackageLoader("dferbench.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    datasets = [
        (blocks[0].name, sum(len(block.columns) for block in blocks))
        for _, blocks in ((n, list(b)) for n, b in groupby(sheet.blocks, lambda block: block.dataset))
    ]
    groups = [(name, list(lines)) for name, lines in groupby(sheet.lines, lambda line: line.row.group)]
    facts: dict[str, Any] = {"sheet": sheet, "about": about(sheet), "datasets": datasets, "groups": groups}
    return pages.get_template("table.html.j2").render(**facts, zip=zip, is_number=_is_number)


def _is_number(cell: object) -> bool:
    return isinstance(cell, Number)
