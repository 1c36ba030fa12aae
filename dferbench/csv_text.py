"""Writing CSV that a spreadsheet shows and never computes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from dferbench.printable import printable

FORMULA = tuple("=+-@\t\r＝＋－＠")  # noqa: RUF001 - the wide ones count, too, where such letters are written
"""How a cell begins that a spreadsheet takes for a formula."""


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """One line a row; None is an empty field. A text that begins like a formula gets an apostrophe in front,
    which spreadsheets do not show; numbers are left alone, also those that are texts."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def plain(text: str) -> str:
    """A cell that was read again, without the apostrophe."""
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA) else text


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = f"'{value}" if value.startswith(FORMULA) and not _is_number(value) else value
    return printable(text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and text == text.strip()
