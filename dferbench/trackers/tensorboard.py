"""TensorBoard: event files in the run's folder, so that `tensorboard --logdir runs` shows every run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dferbench.experiment.record import Record
from dferbench.trackers.facts import configuration, final_scalars, scalars
from dferbench.trackers.library import library
from dferbench.training.observer import EpochResult, Observer

FOLDER = "tensorboard"


class TensorBoard(Observer):
    """Scalars by the number of epochs done; configuration, caveats and status as texts."""

    def __init__(self) -> None:
        library("tensorboard", "tensorboard.summary.writer.event_file_writer")
        self.writer: Any = None
        self.videos: dict[str, int] = {}
        self.epochs = 0

    def run_started(self, record: Record, folder: Path, epochs: int, step: int) -> None:
        """Go on in the same folder; what was written of epochs that are trained again does not count."""
        from torch.utils.tensorboard import SummaryWriter

        self.videos, self.epochs = record.videos, epochs
        self.writer = SummaryWriter(str(folder / FOLDER), purge_step=epochs + 1)
        self._say("configuration", f"```\n{json.dumps(configuration(record), indent=1, default=str)}\n```")
        self._say("caveats", ", ".join(record.caveats) or "none")
        self._say("status", record.status)
        self.writer.flush()

    def epoch_done(self, epoch: EpochResult) -> None:
        """Write the epoch to the disk: the run's state is saved only after that, so none can be missing."""
        self.epochs = epoch.epochs
        for name, value in scalars(epoch, self.videos).items():
            self.writer.add_scalar(name, value, epoch.epochs)
        self.writer.flush()

    def run_ended(self, record: Record) -> None:
        """Add the final metrics, and the caveats, of which some are known only now."""
        for name, value in final_scalars(record).items():
            self.writer.add_scalar(name, value, self.epochs)
        self._say("caveats", ", ".join(record.caveats) or "none")
        self._say("status", record.status)
        self.writer.close()

    def run_failed(self, error: str) -> None:
        """Say why."""
        self._say("status", f"failed: {error}")
        self.writer.close()

    def _say(self, what: str, text: str) -> None:
        self.writer.add_text(f"run/{what}", text, self.epochs)
