"""What test videos are sliced by: a column of a CSV file, or something that the dataset knows of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dferbench.csv_text import plain
from dferbench.data.decoders import Decoder
from dferbench.documents import read_text
from dferbench.errors import DataError, UnknownName, VideoError
from dferbench.types import Video

MOST_VALUES = 8
"""A column of more different numbers than this is cut into ranges."""
LENGTH = "length"
"""The number of frames of a video."""


@dataclass(frozen=True)
class Slicing:
    """A way to part the test videos: per id the name of its part. `names` are in order, and `about` says how
    numbers were cut, "" where they were not."""

    column: str
    part: Mapping[str, str]
    names: Sequence[str]
    about: str = ""


def read_columns(path: Path, id_column: str = "id") -> dict[str, dict[str, str]]:
    """The columns of a CSV file but that of the ids, each from id to text; empty cells are left out.

    Raises DataError for a file without a header or ids, and for one with an id twice.
    """
    try:
        rows = list(csv.reader(io.StringIO(read_text(path), newline=""), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as CSV: {error}", "Save it as UTF-8 CSV.") from error
    head = [plain(cell.strip()) for cell in rows[0]] if rows else []
    if id_column not in head:
        others = f"its columns are {', '.join(head)}" if head else "it is empty"
        raise DataError(
            f"{path} has no column '{id_column}': {others}",
            "Name the column of the video ids: --id COLUMN.",
        )
    found: dict[str, dict[str, str]] = {name: {} for name in head if name != id_column}
    seen = set[str]()
    for number, row in enumerate(rows[1:], 2):
        if not row:
            continue
        cells = dict(zip(head, map(plain, row), strict=False))
        if len(row) != len(head) or cells[id_column] in seen:
            why = "has its id a second time" if len(row) == len(head) else f"has {len(row)} cells"
            raise DataError(
                f"{path}, line {number} {why}", f"Every line needs {len(head)} cells, its id once."
            )
        seen.add(cells[id_column])
        for name in found:
            if cells[name].strip():
                found[name][cells[id_column]] = cells[name].strip()
    return found


def known_columns(videos: Iterable[Video]) -> dict[str, dict[str, Any]]:
    """What a dataset says of its videos, by column: `group`, what `info` has of texts and numbers, and under
    the word that groups begin with ("actor 3") the groups as well."""
    found: dict[str, dict[str, Any]] = {}
    for video in videos:
        group = video.group
        facts = {name: value for name, value in video.info.items() if isinstance(value, str | int | float)}
        facts |= {"group": group, **({group.split(" ")[0]: group} if " " in group else {})} if group else {}
        for name, value in facts.items():
            found.setdefault(name, {})[video.id] = value
    return found


def lengths(
    videos: Sequence[Video], decoder: Decoder, step: Callable[[], None]
) -> tuple[dict[str, int], list[str]]:
    """The number of frames of each video, and the ids of those that cannot be read; one frame is decoded."""
    found: dict[str, int] = {}
    bad = []
    for video in videos:
        counts: list[int] = []
        try:
            decoder.read(video.path, lambda count, counts=counts: counts.append(count) or [0])  # type: ignore[misc]
            found[video.id] = counts[-1]
        except VideoError:
            bad.append(video.id)
        step()
    return found, bad


def slicing(column: str, values: Mapping[str, Any], ids: Iterable[str], parts: int = 4) -> Slicing:
    """The parts of the videos `ids` by their values; those without one are in no part.

    Numbers of more than `MOST_VALUES` kinds are cut at quantiles into `parts` ranges of about as many videos;
    equal numbers stay together.
    """
    there = {name: values[name] for name in ids if name in values}
    numbers = _numbers(there)
    if numbers is None or len(set(numbers.values())) <= MOST_VALUES:
        names = sorted({str(value) for value in there.values()}, key=_natural)
        return Slicing(column, {name: str(value) for name, value in there.items()}, names)
    sizes = np.array(list(numbers.values()))
    edges = np.unique(np.quantile(sizes, np.arange(1, parts) / parts))
    place = dict(zip(numbers, np.searchsorted(edges, sizes).tolist(), strict=True))
    used = sorted(set(place.values()))
    names = [_range([numbers[i] for i in place if place[i] == k]) for k in used]
    shown = dict(zip(used, names, strict=True))
    cut = ", ".join(f"{edge:g}" for edge in edges)
    about = f"{column} is cut at its quantiles, {parts} parts of about as many test videos: above {cut}"
    return Slicing(column, {name: shown[k] for name, k in place.items()}, names, about)


def require_column(name: str, columns: Iterable[str]) -> None:
    """Raise UnknownName for a column that there is not."""
    if name not in (known := [*columns]):
        raise UnknownName("column", name, known)


def _numbers(values: Mapping[str, Any]) -> dict[str, float] | None:
    """The values as finite numbers, or None if one is none."""
    try:
        found = {name: float(value) for name, value in values.items()}
    except ValueError:
        return None
    return found if np.isfinite(list(found.values())).all() else None


def _natural(text: str) -> tuple[bool, float, str]:
    """Numbers by their size, texts after them."""
    try:
        return (False, float(text), text)
    except ValueError:
        return (True, 0.0, text)


def _range(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
