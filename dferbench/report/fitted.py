"""Tables and sentences in the columns that a terminal has; in a pipe lines are as long as they are.

Text wraps at blanks, numbers never. Columns that still have no room next to the labels stand in further
tables below, each with the labels again.
"""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterator, Sequence

from dferbench.report.aligned import aligned, as_text, wrapped

GAP = 2
"""Blanks between columns, and what tabulate leaves around a head."""
LONGEST_WORD = 24
"""Characters; a longer word, such as a path, may be broken."""


def terminal_width() -> int | None:
    """The columns of the terminal, or what $COLUMNS says; None in a pipe."""
    return shutil.get_terminal_size(fallback=(0, 0)).columns or None


def fitted(
    lines: Sequence[Sequence[object]],
    heads: Sequence[str],
    *,
    labels: int = 1,
    align: Sequence[str] | None = None,
    width: int | None = None,
) -> str:
    """Aligned tables of at most `width` characters a line, by default the terminal's; the first `labels`
    columns stand in each of them."""
    width = width or terminal_width()
    texts = [list(heads), *([as_text(cell) for cell in line] for line in lines)]
    columns = list(zip(*texts, strict=True))
    sides = list(align or ["left"] * len(heads))
    if width is None:
        return aligned(texts[1:], heads, align=sides)
    parts = _parts(columns, labels, width)
    return "\n\n".join(_table([columns[i] for i in part], [sides[i] for i in part], width) for part in parts)


def _parts(columns: Sequence[Sequence[str]], labels: int, width: int) -> Iterator[list[int]]:
    """The columns of each table: as many at a time as have room next to the labels."""
    least = [_least(column) for column in columns]
    first = list(range(min(labels, len(columns))))
    part = first
    for place in range(len(first), len(columns)):
        if len(part) > len(first) and _whole([least[i] for i in [*part, place]]) > width:
            yield part
            part = first
        part = [*part, place]
    yield part


def _table(columns: Sequence[Sequence[str]], sides: Sequence[str], width: int) -> str:
    natural, least = [_natural(column) for column in columns], [_least(column) for column in columns]
    widest = max(natural)
    while widest > 1 and _whole(_capped(natural, least, widest)) > width:
        widest -= 1
    room = _capped(natural, least, widest)
    heads = [wrapped(column[0], size - GAP) for column, size in zip(columns, room, strict=True)]
    lines = list(zip(*(column[1:] for column in columns), strict=True))
    return aligned(lines, heads, widths=room, align=sides)


def _capped(natural: Sequence[int], least: Sequence[int], widest: int) -> list[int]:
    return [min(size, max(widest, low)) for size, low in zip(natural, least, strict=True)]


def _whole(sizes: Sequence[int]) -> int:
    return sum(sizes) + GAP * (len(sizes) - 1)


def _natural(column: Sequence[str]) -> int:
    head, *cells = column
    return max(len(head) + GAP, *(len(line) for cell in cells for line in cell.split("\n")), 1)


def _least(column: Sequence[str]) -> int:
    """The characters below which a column of text would break words, and one of numbers its numbers."""
    head, *cells = column
    in_head = max(map(len, head.split()), default=0) + GAP
    pieces = [piece for cell in cells for piece in (cell.split() if _is_text(cell) else cell.split("\n"))]
    return max(in_head, min(max(map(len, pieces), default=0), LONGEST_WORD))


def _is_text(cell: str) -> bool:
    return bool(re.search(r"[^\W\d_]{2}", cell))


def folded(text: str, indent: str = "") -> str:
    """Sentences in lines that fit the terminal, what follows the first indented; no word is broken."""
    width = terminal_width()
    if width is None:
        return text
    lines = (
        textwrap.wrap(
            line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False,
            replace_whitespace=False, drop_whitespace=True,
        )
        for line in text.split("\n")
    )  # fmt: skip
    return "\n".join("\n".join(some) for some in lines)
