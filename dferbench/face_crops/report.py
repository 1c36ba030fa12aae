"""`faces.json`: what was done with which settings, for people and for the next run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from dferbench.data.marks import CROPS
from dferbench.documents import read_text
from dferbench.errors import ConfigError
from dferbench.files import to_json, write_atomic

NAME = CROPS


class CroppedVideo(BaseModel, extra="forbid"):
    """One video. `stamp` is what told its files from others when they were read; `side` is the crop's in the
    pixels of the video, 0 where frames stayed whole; `reason` says why there are no crops, `doubt` what
    speaks against them: `jumps` of the crop, or a share of frames `far` from any detection."""

    status: Literal["done", "failed"]
    reason: str = ""
    frames: int = 0
    looked: int = 0
    found: int = 0
    side: float = 0.0
    jumps: int = 0
    far: float = 0.0
    doubt: str = ""
    stamp: tuple[int, ...] = ()

    @property
    def share(self) -> float | None:
        """In which share of the frames that were looked at a face was found."""
        return self.found / self.looked if self.looked else None


class Report(BaseModel, extra="forbid"):
    """The settings, every video that was tried, by its name, and the files among them that are not videos."""

    schema_: Literal[1] = Field(1, alias="schema")
    settings: dict[str, Any]
    videos: dict[str, CroppedVideo] = {}
    left_out: list[str] = []
    _saved: float = 0.0

    def save(self, folder: Path, every: float = 0.0) -> None:
        """Write `faces.json` atomically, unless that was done in the last `every` seconds."""
        if time.monotonic() - self._saved >= every:
            write_atomic(folder / NAME, to_json(self.model_dump(by_alias=True)))
            self._saved = time.monotonic()


def claim(folder: Path, settings: dict[str, Any]) -> Report:
    """The report in `folder`, or a new one if the folder is empty or missing.

    Raises ConfigError if the folder belongs to other settings, or to something else.
    """
    path = folder / NAME
    if path.is_file():
        report = _read(path)
        _require_same(folder, report.settings, settings)
        return report
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder} holds something else than face crops", "Choose a new --output.")
    report = Report(schema=1, settings=settings)
    report.save(folder)
    return report


def _read(path: Path) -> Report:
    try:
        return Report.model_validate_json(read_text(path, 1 << 30))
    except (OSError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise ConfigError(
            f"{path} is not readable as a report ({first})", "Choose a new --output."
        ) from error


def _require_same(folder: Path, old: dict[str, Any], new: dict[str, Any]) -> None:
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    if names:
        told = ", ".join(f"{name} {old.get(name)} and not {new.get(name)}" for name in names)
        raise ConfigError(f"{folder} was made with {told}", "Choose a new --output, or the old settings.")
