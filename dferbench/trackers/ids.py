"""What a tracker must remember in order to continue in the same place when a run is resumed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dferbench.files import to_json, write_atomic

NAME = "trackers.json"


def remembered(folder: Path, tracker: str) -> dict[str, Any]:
    """What the tracker noted in the run's folder; empty if nothing. Raises ValueError if it is damaged."""
    return dict(_read(folder / NAME).get(tracker, {}))


def remember(folder: Path, tracker: str, **facts: Any) -> None:
    """Note facts next to those of other trackers. Raises DferbenchError if that cannot be written."""
    path = folder / NAME
    noted = _read(path)
    write_atomic(path, to_json({**noted, tracker: {**noted.get(tracker, {}), **facts}}))


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_bytes())) if path.is_file() else {}
