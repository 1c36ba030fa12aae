"""Reading `events.jsonl`: what a run has reported so far, and how it stands. No torch."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any, TypeAlias

from dferbench.errors import ConfigError

NAME = "events.jsonl"
RECENT = 5
"""So many epochs tell how long the next ones take."""

Event: TypeAlias = dict[str, Any]


def read_events(path: Path) -> list[Event]:
    """The events of a run in order; a last line that is not finished is left out.

    Raises ConfigError for a finished line that is not an event.
    """
    *whole, _ = path.read_bytes().split(b"\n")
    return [_event(line, path, number) for number, line in enumerate(whole, 1)]


def _event(line: bytes, path: Path, number: int) -> Event:
    try:
        event = json.loads(line)
        if isinstance(event["event"], str):
            return dict(event)
    except (ValueError, TypeError, KeyError):
        pass
    raise ConfigError(
        f"line {number} of {path} is not an event of a run: {line[:40]!r}",
        "Remove that line, or start the run again with --force.",
    )


@dataclass(frozen=True)
class Standing:
    """How a run stands after the events so far."""

    start: Event
    """Its last `run_started`."""
    epochs: list[Event] = field(default_factory=list)
    """Every `epoch_done`, first to last."""
    end: Event | None = None
    """`run_ended` or `run_failed`; None while it runs."""

    @property
    def done(self) -> int:
        """How many epochs are done."""
        return int(self.epochs[-1]["epochs"]) if self.epochs else int(self.start["epochs"])

    @property
    def caveats(self) -> Sequence[str]:
        """Those known so far."""
        said = self.end if self.end and "caveats" in self.end else self.start
        return list(said["caveats"])

    @property
    def over(self) -> bool:
        """Whether nothing more is to be expected, as far as can be known here."""
        return self.end is not None or self.gone

    @property
    def succeeded(self) -> bool:
        """Whether the run is done."""
        return self.end is not None and self.end["event"] == "run_ended"

    @property
    def seconds_left(self) -> float | None:
        """What the remaining epochs take; None before the first is done."""
        return self.seconds_left_after(self.epochs[-1]) if self.epochs else None

    def seconds_left_after(self, epoch: Event) -> float:
        """What the epochs behind this one take if they take as long as the last ones up to it."""
        known = [float(one["seconds"]) for one in self.epochs if one["epochs"] <= epoch["epochs"]]
        return mean(known[-RECENT:]) * int(self.start["total_epochs"] - epoch["epochs"])

    @property
    def gone(self) -> bool:
        """Whether the run's process ended without a word. Of another machine's processes nothing is known."""
        if self.end is not None or self.start["host"] != platform.node() or os.name != "posix":
            return False
        try:
            os.kill(self.start["pid"], 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False


def standing(path: Path | None) -> Standing | None:
    """How the run of these events stands, or None if it has not started; a resumed run continues.

    Raises ConfigError for a file that holds something else.
    """
    start, end, epochs = None, None, []
    for event in read_events(path) if path and path.is_file() else ():
        if event["event"] == "run_started":
            start, end = event, None
        elif event["event"] == "epoch_done":
            epochs.append(event)
        elif event["event"] in ("run_ended", "run_failed"):
            end = event
    return Standing(start, epochs, end) if start else None


def newest(run: Path) -> Path | None:
    """The events of the run in this folder, or of the run below it that reported last; None if none did."""
    if (run / NAME).is_file():
        return run / NAME
    found = [Path(folder) / NAME for folder, _, files in os.walk(run) if NAME in files]
    return max(found, key=_changed, default=None)


def _changed(path: Path) -> int:
    """When the file was last written; a run that is started again may take it away at any moment."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
