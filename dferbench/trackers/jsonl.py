"""JSON lines: every event of a run as one line of `events.jsonl` in its folder, while the run continues."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dferbench.experiment.record import Record
from dferbench.files import json_text, write_atomic
from dferbench.trackers.events import NAME, read_events
from dferbench.trackers.facts import configuration, total_epochs
from dferbench.training.observer import EpochResult, Observer

SCHEMA = 1


class JsonLines(Observer):
    """Appends whole lines, so that whoever reads along sees at most one that is not finished."""

    def __init__(self) -> None:
        self.path, self.epochs, self.videos = Path(NAME), 0, 0

    def run_started(self, record: Record, folder: Path, epochs: int, step: int) -> None:
        """Repair what a killed process left, and say what starts."""
        self.path, self.epochs, self.videos = folder / NAME, epochs, sum(record.videos.values())
        _rewind(self.path, epochs)
        self._append(
            "run_started",
            schema=SCHEMA,
            epochs=epochs,
            step=step,
            total_epochs=total_epochs(record),
            videos=record.videos,
            classes=record.classes,
            configuration=configuration(record),
            caveats=record.caveats,
            pid=os.getpid(),
            host=platform.node(),
        )

    def epoch_done(self, epoch: EpochResult) -> None:
        """Write the epoch's row and its metrics."""
        self.epochs = epoch.epochs
        facts = {**epoch.row.stated(), "metrics": dict(epoch.metrics), "step": epoch.step}
        facts |= {"validation_metrics": dict(epoch.validation)} if epoch.validation else {}
        if epoch.row.seconds:
            facts["videos_per_second"] = round(self.videos / epoch.row.seconds, 3)
        self._append("epoch_done", epochs=epoch.epochs, **facts)

    def checkpoint_saved(self, path: Path) -> None:
        """Name the file that was saved."""
        self._append("checkpoint_saved", epochs=self.epochs, file=path.name)

    def run_ended(self, record: Record) -> None:
        """Write the final metrics and the caveats, of which some are known only now."""
        self._append("run_ended", epochs=self.epochs, metrics=record.metrics, caveats=record.caveats)

    def run_failed(self, error: str) -> None:
        """Write why."""
        self._append("run_failed", epochs=self.epochs, error=error)

    def _append(self, event: str, **facts: Any) -> None:
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json_text({"event": event, "time": time, **facts})
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def _rewind(path: Path, epochs: int) -> None:
    """Drop a torn last line, and epochs that were reported but whose state was not saved: they come again."""
    if not path.is_file():
        return
    lines = [event for event in read_events(path) if not _comes_again(event, epochs)]
    text = "".join(json_text(event) + "\n" for event in lines)
    if text.encode() != path.read_bytes():
        write_atomic(path, text)


def _comes_again(event: dict[str, Any], epochs: int) -> bool:
    return event["event"] in ("epoch_done", "checkpoint_saved") and bool(event["epochs"] > epochs)
