"""MAFW's single-set.xlsx: which clip has which single label."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dferbench import DataError
from dferbench.data.official import read_table, shown
from dferbench_datasets.mafw.figures import CODES

COLUMN = "single_label"
HEADER_ROWS = 3
"""The header of the released table has one row, or two; it is looked for in the first three."""


def single_labels(path: Path, key: Callable[[str], str]) -> dict[str, str]:
    """Ids to class names. Raises DataError for a row that is not a clip with a label from 1 to 11."""
    rows = read_table(path)
    heads = [[cell.lower() for cell in row] for row in rows[:HEADER_ROWS]]
    head = next((row for row in heads if COLUMN in row), None)
    if head is None:
        raise DataError(f"{path} has no column '{COLUMN}'", "Fetch it again.")
    label_at = head.index(COLUMN)
    clip_at = head.index("clip") if "clip" in head else 0
    labels: dict[str, str] = {}
    for number, row in enumerate(rows, 1):
        clip, code = _cell(row, clip_at), _cell(row, label_at)
        if number <= HEADER_ROWS and not clip[:1].isdigit():
            continue
        try:
            name, label = key(clip), CODES[code]
        except (ValueError, KeyError):
            raise DataError(
                f"{path}, row {number}: {shown(clip)} with label {shown(code)} is not a clip of MAFW",
                "Fetch the table again.",
            ) from None
        if name in labels:
            raise DataError(f"{path}, row {number}: {name} occurs twice", "Fetch the table again.")
        labels[name] = label
    if not labels:
        raise DataError(f"{path} has no clips", "Fetch it again.")
    return labels


def _cell(row: list[str], at: int) -> str:
    """Rows may be shorter than the header."""
    return row[at] if at < len(row) else ""
