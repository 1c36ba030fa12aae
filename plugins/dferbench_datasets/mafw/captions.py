"""What MAFW's annotators wrote about each clip that is not neutral: a sentence in Chinese and in English."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dferbench import DataError
from dferbench.data.official import read_table, read_text, shown

Captions = Mapping[str, Mapping[str, Any]]
"""Ids to {"caption": English, "caption_zh": Chinese}."""


def from_lists(paths: list[Path], key: Callable[[str], str]) -> Captions:
    """Captions of lists of four fields between tabs: video, label, Chinese, English. Raises DataError."""
    found = {}
    for path in paths:
        for number, line in enumerate(read_text(path).splitlines(), 1):
            fields = line.split("\t")
            if len(fields) == 4:
                found.update(_caption(path, number, fields[0], fields[2:], key))
            elif line.strip():
                raise DataError(
                    f"{path}, line {number}: {len(fields)} fields between tabs instead of 4",
                    "Fetch the list again, or leave captions off.",
                )
    return found


def from_table(path: Path, key: Callable[[str], str]) -> Captions:
    """Captions of descriptive_text.xlsx: video, Chinese, English, without a header. Raises DataError."""
    found = {}
    for number, row in enumerate(read_table(path), 1):
        if len(row) < 2:
            raise DataError(f"{path}, row {number}: a clip without a caption", "Fetch the table again.")
        found.update(_caption(path, number, row[0], [*row[1:3], ""][:2], key))
    return found


def _caption(
    path: Path, number: int, video: str, texts: list[str], key: Callable[[str], str]
) -> dict[str, dict[str, str]]:
    try:
        name = key(video)
    except ValueError:
        raise DataError(
            f"{path}, line {number}: {shown(video)} names no video", "Fix or remove the line."
        ) from None
    chinese, english = (text.strip() for text in texts)
    return {name: {"caption": english, "caption_zh": chinese}}
