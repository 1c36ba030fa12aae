"""Files of predictions as columns: CSV, Excel and JSON as they are passed around."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dferbench.csv_text import plain
from dferbench.data.official import read_lines, read_rows, read_text, shown
from dferbench.errors import DataError
from dferbench.files import from_json

MOST_BYTES = 2**28
"""No file is larger: free answers of a hundred thousand videos have 100 MB."""
IDS = (
    "id",
    "video_id",
    "clip_id",
    "video_name",
    "video",
    "clip",
    "path",
    "file",
    "filename",
    "name",
    "order",
)
"""What a column of ids may be called, in any case, the surest names first."""


@dataclass(frozen=True)
class PredictionFile:
    """What a file holds: columns by name, each with a value a row, and how many rows there are."""

    path: Path
    columns: Mapping[str, Sequence[Any]]
    size: int


def id_column(names: Iterable[str]) -> str | None:
    """The column whose name is that of ids, the surest of several; None if there is none."""
    found = {name.strip().lower(): name for name in names}
    return next((found[name] for name in IDS if name in found), None)


def read_separated(path: Path, ids: str = "") -> PredictionFile:
    """A CSV, TSV or the first sheet of an .xlsx file, whose first row names the columns.

    Without such a row it may have two columns, ids and labels. `ids` is what the user calls the column of
    ids. Raises DataError for rows of another length than the first, and for a name that occurs twice.
    """
    rows = read_lines(path, MOST_BYTES)
    if not rows:
        raise DataError(f"{path} is empty", "Give a file with one row a video.")
    head = [plain(name) for name in rows[0][1]]
    if len(head) == 1 and " " in head[0]:  # a list as datasets have it, between blanks
        listed = read_rows(path)
        return PredictionFile(
            path, {"id": [row.video for row in listed], "label": [row.label for row in listed]}, len(listed)
        )
    if len(head) == 2 and ids not in head and id_column(head) is None:
        head = ["id", "label"]
    else:
        rows = rows[1:]
    if twice := [name for name in head if name and head.count(name) > 1]:
        raise DataError(f"{path} has two columns called {shown(twice[0])}", "Rename or remove one of them.")
    filled = _filled(rows, len(head)) if path.suffix.lower() == ".xlsx" else rows
    _require_even(filled, len(head), path)
    values = zip(*(fields for _, fields in filled), strict=True) if filled else ([] for _ in head)
    cells = {name: [plain(cell) for cell in column] for name, column in zip(head, values, strict=True)}
    return PredictionFile(path, cells, len(filled))


Rows = Sequence[tuple[int, Sequence[str]]]


def _filled(rows: Rows, size: int) -> Rows:
    """Rows of a sheet, which end at their last cell that is not empty."""
    return [(number, [*fields, *[""] * (size - len(fields))]) for number, fields in rows]


def _require_even(rows: Rows, size: int, path: Path) -> None:
    odd = [(number, len(fields)) for number, fields in rows if len(fields) != size]
    if odd:
        raise DataError(
            f"{path}: {len(odd)} of {len(rows)} rows do not have {size} fields as the first one has; "
            f"row {odd[0][0]} has {odd[0][1]}",
            "Write the file again; texts that hold the separator need quotes.",
        )


def read_json_lines(path: Path) -> PredictionFile:
    """One JSON object a line. Raises DataError that names the line that is none."""
    found = []
    for number, line in enumerate(read_text(path, MOST_BYTES).split("\n"), 1):
        if line.strip():
            found.append(_object(line, f"{path}, line {number}"))
    return _from_objects(path, found)


def read_json(path: Path) -> PredictionFile:
    """A list of objects, or an object that gives each id its label, its answer, or its scores by class.

    Raises DataError.
    """
    try:
        said = from_json(read_text(path, MOST_BYTES))
    except ValueError as error:
        raise DataError(f"{path} is not valid JSON: {error}", "Write it again.") from None
    if isinstance(said, dict):
        said = [{"id": name, **_named(value)} for name, value in said.items()]
    if not isinstance(said, list) or not all(isinstance(one, dict) for one in said):
        raise DataError(f"{path} is not a list of objects", 'Write [{"id": ..., "label": ...}, ...].')
    return _from_objects(path, said)


def _named(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {"scores" if isinstance(value, list) else "label": value}


def _object(line: str, where: str) -> dict[str, Any]:
    try:
        found = from_json(line)
    except ValueError as error:
        raise DataError(f"{where} is not valid JSON: {error}", "Fix or remove the line.") from None
    if not isinstance(found, dict):
        raise DataError(f"{where} is no object", 'Write {"id": ..., "label": ...} on each line.')
    return found


def _from_objects(path: Path, rows: Sequence[dict[str, Any]]) -> PredictionFile:
    """Columns of all names; what an object lacks is None there. Numbers and texts stay what they are."""
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [row.get(name) for row in rows] for name in names}
    return PredictionFile(path, columns, len(rows))
