"""Face boxes that the user has already, from a CSV, .xlsx or JSON file."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dferbench.data.official.lists import read_lines, read_text
from dferbench.errors import ConfigError, VideoError
from dferbench.face_crops.tree import without_suffix
from dferbench.types import Face, FindFace

SIDES = ("left", "top", "right", "bottom")
LARGEST = 2**30
"""Bytes; a line a frame is more than a line a video."""
Row = tuple[str, int, tuple[float, ...]]
"""Video, frame, box."""


def read_boxes(path: str) -> FindFace:
    """A finder that looks boxes up. Raises ConfigError or DataError; see `finders.boxes`.

    The finder raises VideoError for a video that the file seems to name without its leading zeros.
    """
    if not path:
        raise ConfigError("the face finder 'boxes' needs a file", "Write --finder 'boxes(path=boxes.csv)'.")
    found: dict[str, dict[int, tuple[float, ...]]] = {}
    for video, frame, box in _rows(Path(path)):
        frames = found.setdefault(without_suffix(video), {})
        if frame in frames:
            raise _wrong(path, f"it has two boxes for frame {frame} of '{video}'")
        frames[frame] = box
    lines = {video: _Line(frames) for video, frames in found.items()}
    shortened = {_without_zeros(video): video for video in found}

    def find(frame: NDArray[np.uint8], video: str, number: int) -> Face | None:
        if video in lines:
            return lines[video].at(number)
        if near := shortened.get(_without_zeros(video)):
            raise VideoError(
                video,
                f"{path} has boxes for '{near}', which may be this video with other leading zeros, as "
                "spreadsheets leave them away; write the names there as they are on the disk",
            )
        return None

    return find


def _without_zeros(video: str) -> str:
    """A name of digits as a spreadsheet takes it for a number."""
    folder, name = os.path.split(video)
    return os.path.join(folder, name.lstrip("0") if name.isdigit() else name)  # noqa: PTH118 - no path yet


class _Line:
    """The boxes of one video, evenly moving between the frames that have one."""

    def __init__(self, frames: dict[int, tuple[float, ...]]) -> None:
        self.frames = sorted(frames)
        self.boxes = np.array([frames[frame] for frame in self.frames])

    def at(self, number: int) -> Face:
        left, top, right, bottom = (float(np.interp(number, self.frames, side)) for side in self.boxes.T)
        return Face((left, top, right, bottom))


def _rows(path: Path) -> Iterator[Row]:
    for place, video, frame, box in _json_rows(path) if path.suffix.lower() == ".json" else _table_rows(path):
        yield video, _frame(path, place, frame), _box(path, place, box)


Raw = tuple[str, str, Any, Any]
"""Where it stands in the file, video, frame, box: nothing is checked yet."""


def _table_rows(path: Path) -> Iterator[Raw]:
    lines = read_lines(path, LARGEST)
    heads = [head.lower() for head in lines[0][1]] if lines else []
    missing = {"video", *SIDES} - set(heads)
    if missing:
        raise _wrong(path, f"its first line lacks the columns {', '.join(sorted(missing))}")
    for number, fields in lines[1:]:
        line = dict(zip(heads, fields, strict=False))
        # Where semicolons separate, a comma is the point of a number.
        sides = [line.get(side, "").replace(",", ".") for side in SIDES]
        yield f"line {number}", line["video"], line.get("frame") or 0, sides


def _json_rows(path: Path) -> Iterator[Raw]:
    try:
        content = json.loads(read_text(path, LARGEST))
    except (ValueError, RecursionError) as error:
        raise _wrong(path, f"it is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise _wrong(path, "it is not an object of videos")
    for video, value in content.items():
        frames = value if isinstance(value, dict) else {0: value}
        for frame, box in frames.items():
            yield f"'{video}'", video, frame, box


def _frame(path: Path, place: str, value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = -1
    if number < 0:
        raise _wrong(path, f"{place}: '{value}' is not a frame number")
    return number


def _box(path: Path, place: str, values: Any) -> tuple[float, ...]:
    try:
        box = tuple(float(value) for value in values)
    except (TypeError, ValueError):
        box = ()
    if len(box) != 4 or not all(map(math.isfinite, box)) or box[0] >= box[2] or box[1] >= box[3]:
        raise _wrong(path, f"{place}: {values} is not a box")
    return box


def _wrong(path: Path | str, reason: str) -> ConfigError:
    return ConfigError(
        f"{path}: {reason}",
        "A CSV or .xlsx file has the columns video, left, top, right, bottom and perhaps frame; JSON is "
        "{video: [left, top, right, bottom]} or {video: {frame: [...]}}; left < right and top < bottom.",
    )
