"""Where records lie below a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

NAME = "record.json"


def find(folder: Path) -> Iterator[Path]:
    """The paths of all records below a folder, in the order of their names; links are not followed."""
    waiting = [(os.fspath(folder), False)]
    while waiting:
        place, is_record = waiting.pop()
        if is_record:
            yield Path(place)
            continue
        for entry in sorted(_entries(place), key=lambda one: one.name, reverse=True):
            waiting += [(entry.path, False)] if entry.is_dir(follow_symlinks=False) else []
            waiting += [(entry.path, True)] if entry.name == NAME else []


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """What a folder holds; nothing where it may not be read or is gone meanwhile."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
