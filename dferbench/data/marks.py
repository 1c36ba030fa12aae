"""What videos carry with them wherever they are copied: that a program drew them, that they are face crops.

A mark lies next to videos (a file in a folder around them) and in them (a comment in their container, which
no decoder takes for pixels). Either is enough, so that no copy, merge, pack or crop loses it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dferbench.data.decoders.endings import IMAGES
from dferbench.data.decoders.pack import is_packed
from dferbench.documents import read_text
from dferbench.files import write_atomic
from dferbench.places import MADE, is_made
from dferbench.types import Dataset

DRAWN = "drawn by dferbench"
"""Stands in the comment of every drawn video and frame image."""
CROPPED = "face crop by dferbench "
"""Begins the comment of every crop that `data faces` writes; its settings follow as JSON."""
CROPS = "faces.json"
"""Lies in a folder of face crops and says how they were made."""
REENCODED = "re-encoded"
"""The caveat of results on videos whose frames were encoded once more."""
HEAD, TAIL = 1 << 14, 1 << 12
"""So many bytes at a file's beginning and end are searched: every container that is written here keeps its
comment there."""
MOST_REPORT = 1 << 30
"""Bytes of such a report, which has a line for each of up to a million videos."""
FACTS = ("finder", "size", "margin", "quality")
"""The settings of face crops that a record says."""


@dataclass(frozen=True)
class Marks:
    """Whether any of some videos was drawn, and the different settings of those that are face crops."""

    drawn: bool = False
    crops: tuple[Mapping[str, Any], ...] = ()


def marks_of(root: Path, videos: Iterable[str]) -> Marks:
    """What the videos at a root carry: in the root, in the folders around root and videos, in their files.

    Links are followed. Each folder is looked at once, and of each video's files one is opened.
    """
    paths = [path for path in videos if not is_packed(path)]
    folders = _around([str(root), *paths])
    crops = [found for folder in folders if (found := _settings_in(folder))]
    drawn = _marked(folders) or any(is_made(Path(one["source"])) for one in crops)
    for path in paths:
        said = _said(path)
        drawn = drawn or DRAWN.encode() in said
        crops += _settings_of(said)
    kept = [{name: one[name] for name in FACTS if name in one} for one in crops]
    return Marks(drawn, tuple({json.dumps(one, sort_keys=True): one for one in kept}.values()))


def drawn_among(root: Path, videos: Iterable[str]) -> set[str]:
    """Those of the videos that carry the mark of drawn ones, each by itself; folders are looked at once."""

    @cache
    def marked(folder: str) -> bool:
        source = _settings_in(folder).get("source")
        return _marked([folder]) or (source is not None and is_made(Path(source)))

    return {
        path
        for path in videos
        if any(map(marked, _around([str(root), path]))) or DRAWN.encode() in _said(path)
    }


def says_drawn(root: Path, videos: Iterable[str]) -> bool:
    """Whether a folder around root or videos is marked as drawn; no video is opened."""
    return _marked(_around([str(root), *(path for path in videos if not is_packed(path))]))


def _marked(folders: Iterable[str]) -> bool:
    return any(Path(folder, MADE).is_file() for folder in folders)


def notes_of(dataset: Dataset, root: Path, marks: Marks) -> dict[str, Any]:
    """What the dataset says of its copy, and of face crops how they were made, with the caveat for them."""
    notes = dict(dataset.notes(root))
    if not marks.crops:
        return notes
    made = "; ".join(_in_words(one) for one in marks.crops)
    caveats = dict.fromkeys([*notes.get("caveats", []), REENCODED])
    stated = [notes[REENCODED]] if REENCODED in notes else []
    return {**notes, REENCODED: "; ".join([*stated, made]), "caveats": list(caveats)}


def mark_drawn(root: Path, by: str) -> None:
    """Say in the folder that everything in it was drawn. Raises DferbenchError."""
    if not (root / MADE).is_file():
        write_atomic(root / MADE, f"Drawn faces, or made of such, by:\n\n    {by}\n")


def crop_comment(settings: Mapping[str, Any], *, drawn: bool) -> bytes:
    """The comment of a face crop."""
    facts = json.dumps({name: settings[name] for name in FACTS if name in settings}, sort_keys=True)
    return f"{CROPPED}{facts}{f' {DRAWN}' if drawn else ''}".encode()


def commented(jpeg: bytes, comment: bytes) -> bytes:
    """The JPEG file with a comment (at most 65,533 bytes) behind its first marker; its pixels stay."""
    length = (len(comment) + 2).to_bytes(2, "big")
    return b"".join([jpeg[:2], b"\xff\xfe", length, comment, jpeg[2:]])


def _in_words(settings: Mapping[str, Any]) -> str:
    return ", ".join(["face crops as JPEG", *(f"{k} {settings[k]}" for k in FACTS if k in settings)])


def _around(paths: Iterable[str]) -> list[str]:
    """Every folder that one of the paths lies in or is, as written and with links followed, each once."""
    seen: dict[str, None] = {}
    for path in dict.fromkeys(map(os.path.dirname, paths := list(map(os.path.abspath, paths)))):
        _climb(path, seen)
        _climb(os.path.realpath(path), seen)
    _climb(paths[0], seen)
    for path in paths:
        if os.path.islink(path):  # noqa: PTH114 - no Path for each of 40,000 videos
            _climb(os.path.dirname(os.path.realpath(path)), seen)  # noqa: PTH120
    return list(seen)


def _climb(folder: str, seen: dict[str, None]) -> None:
    while folder not in seen:
        seen[folder] = None
        folder = os.path.dirname(folder)  # noqa: PTH120


def _settings_in(folder: str) -> Mapping[str, Any]:
    """What a report of `data faces` in the folder says; empty where there is none, or another program's."""
    try:
        said = json.loads(read_text(Path(folder, CROPS), MOST_REPORT))
    except (OSError, ValueError, RecursionError):
        return {}
    settings = said.get("settings") if isinstance(said, dict) and said.get("schema") == 1 else None
    if not isinstance(settings, dict) or not {"finder", "size"} <= settings.keys():
        return {}
    return settings if isinstance(settings.get("source"), str) else {}


def _settings_of(said: bytes) -> Iterator[Mapping[str, Any]]:
    start = said.find(CROPPED.encode())
    if start >= 0:
        text = said[start + len(CROPPED) :].decode("utf-8", "replace")
        try:
            settings, _ = json.JSONDecoder().raw_decode(text)
        except (ValueError, RecursionError):  # cut off
            return
        yield settings


def _said(path: str) -> bytes:
    """Where a comment would stand in a video file, or in the first image of a folder; empty without one."""
    try:
        file = _first_image(path) if os.path.isdir(path) else path  # noqa: PTH112
        if not os.path.isfile(file):  # noqa: PTH113 - a pipe would be waited for
            return b""
        with open(file, "rb") as opened:  # noqa: PTH123
            head = opened.read(HEAD)
            size = os.fstat(opened.fileno()).st_size
            opened.seek(max(len(head), size - TAIL))
            return head + opened.read(TAIL)
    except OSError:
        return b""


def _first_image(folder: str) -> str:
    with os.scandir(folder) as entries:
        images = (e.path for e in entries if e.name.lower().endswith(IMAGES) and e.name[0] != ".")
        return min(images, default="")
