"""Rows of anything as an aligned text table. tabulate draws; it is handed text alone.

Left to itself tabulate guesses types from text: where it wraps columns, the word "False" becomes
bool("False"), which it shows as True. So every value becomes text here, and is wrapped here.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from functools import partial

from tabulate import tabulate

from dferbench.printable import printable


def aligned(
    lines: Sequence[Sequence[object]],
    heads: Sequence[str],
    style: str = "simple",
    widths: Sequence[int | None] = (),
    align: Sequence[str] | None = None,
) -> str:
    """A table in a format of tabulate. `widths` are the most characters of each column, None for no limit;
    `align` is "left" or "right" for each column."""
    room = [*widths, *[None] * (len(heads) - len(widths))]
    cells = [
        [wrapped(as_text(cell), width) for cell, width in zip(line, room, strict=True)] for line in lines
    ]
    return str(tabulate(cells, list(heads), tablefmt=style, disable_numparse=True, colalign=align))


def as_text(value: object) -> str:
    """A value as a reader sees it: "-" for None, true and false as --set takes them, "nan" for no number."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    return "nan" if isinstance(value, float) and math.isnan(value) else printable(str(value))


def wrapped(text: str, width: int | None) -> str:
    """The text in lines of at most so many characters."""
    if width is None:
        return text
    wrap = partial(textwrap.wrap, width=max(width, 1), break_on_hyphens=False)
    return "\n".join(part for line in text.splitlines() for part in wrap(line) or [""])
