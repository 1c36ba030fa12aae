"""The list of leaks as a file: CSV, a line a leak."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from dferbench.csv_text import csv_text, plain
from dferbench.data.leaks.find import Leak
from dferbench.errors import DataError
from dferbench.files import read_regular

MOST_BYTES = 64 * 2**20
HEADS = ("dataset", *(field.name for field in fields(Leak)))


def as_csv(dataset: str, leaks: Iterable[Leak]) -> str:
    """The file for one dataset."""
    return csv_text([HEADS, *((dataset, *astuple(one)) for one in leaks)])


@dataclass(frozen=True)
class Listed:
    """Ids to leave out, per dataset and fold; "" and None stand for any."""

    ids: Mapping[tuple[str, int | None], frozenset[str]]

    def of(self, dataset: str, fold: int) -> frozenset[str]:
        """Those of one fold of a dataset."""
        keys: list[tuple[str, int | None]] = [(dataset, fold), (dataset, None), ("", fold), ("", None)]
        return frozenset().union(*(self.ids.get(key, frozenset()) for key in keys))


def read_listed(path: Path) -> Listed:
    """Read such a file, or one of the user's with a column `id` and perhaps `dataset` and `fold`.

    Raises DataError that names the line.
    """
    try:
        text = read_regular(path, MOST_BYTES).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise DataError(
            f"{path} cannot be read: {why}", "dferbench data leaks -o FILE writes one."
        ) from error
    lines = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    found: dict[tuple[str, int | None], set[str]] = defaultdict(set)
    try:
        if "id" not in (lines.fieldnames or ()):
            raise ValueError("it has no column 'id'")
        for line in lines:
            key = (plain(line.get("dataset") or ""), _fold(line.get("fold") or ""))
            found[key].add(plain(_id(line["id"])))
    except (ValueError, csv.Error) as error:
        raise DataError(
            f"{path}, line {max(lines.line_num, 1)}: {error}",
            "Wanted: a CSV with the column id, and dataset and fold where ids belong to one of several.",
        ) from error
    return Listed({key: frozenset(ids) for key, ids in found.items()})


def _fold(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal():
        raise ValueError(f"the fold must be a whole number, got '{text[:40]}'")
    return int(text)


def _id(text: str | None) -> str:
    if not text:
        raise ValueError("the id is missing")
    return text
