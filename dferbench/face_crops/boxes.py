"""Face boxes that the user has already, from a CSV or JSON file."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dferbench.documents import read_text
from dferbench.errors import ConfigError, DataError
from dferbench.face_crops.tree import without_suffix
from dferbench.types import Face, FindFace

SIDES = ("left", "top", "right", "bottom")
Row = tuple[str, int, tuple[float, ...]]
"""Video, frame, box."""


def read_boxes(path: str) -> FindFace:
    """A finder that looks boxes up. Raises ConfigError or DataError; see `finders.boxes`."""
    if not path:
        raise ConfigError("the face finder 'boxes' needs a file", "Write --finder 'boxes(path=boxes.csv)'.")
    found: dict[str, dict[int, tuple[float, ...]]] = {}
    for video, frame, box in _rows(Path(path)):
        frames = found.setdefault(without_suffix(video), {})
        if frame in frames:
            raise _wrong(path, f"it has two boxes for frame {frame} of '{video}'")
        frames[frame] = box
    lines = {video: _Line(frames) for video, frames in found.items()}

    def find(frame: NDArray[np.uint8], video: str, number: int) -> Face | None:
        return lines[video].at(number) if video in lines else None

    return find


class _Line:
    """The boxes of one video, evenly moving between the frames that have one."""

    def __init__(self, frames: dict[int, tuple[float, ...]]) -> None:
        self.frames = sorted(frames)
        self.boxes = np.array([frames[frame] for frame in self.frames])

    def at(self, number: int) -> Face:
        left, top, right, bottom = (float(np.interp(number, self.frames, side)) for side in self.boxes.T)
        return Face((left, top, right, bottom))


def _rows(path: Path) -> Iterator[Row]:
    try:
        text = read_text(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}", "Give a CSV or JSON file of boxes.") from error
    rows = _json_rows(path, text) if path.suffix.lower() == ".json" else _csv_rows(path, text)
    for place, video, frame, box in rows:
        yield video, _frame(path, place, frame), _box(path, place, box)


Raw = tuple[str, str, Any, Any]
"""Where it stands in the file, video, frame, box: nothing is checked yet."""


def _csv_rows(path: Path, text: str) -> Iterator[Raw]:
    lines = csv.DictReader(text.splitlines())
    missing = {"video", *SIDES} - set(lines.fieldnames or ())
    if missing:
        raise _wrong(path, f"its first line lacks the columns {', '.join(sorted(missing))}")
    for number, line in enumerate(lines, 2):
        yield f"line {number}", line["video"], line.get("frame") or 0, [line[side] for side in SIDES]


def _json_rows(path: Path, text: str) -> Iterator[Raw]:
    try:
        content = json.loads(text)
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
        "CSV has the columns video, left, top, right, bottom and perhaps frame; JSON is "
        "{video: [left, top, right, bottom]} or {video: {frame: [...]}}; left < right and top < bottom.",
    )
