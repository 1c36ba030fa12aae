"""Weights & Biases: a run there for every run here; `mode=offline` writes to the run's folder only."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from dferbench.experiment.record import Record
from dferbench.trackers.facts import configuration, final_scalars, scalars, title
from dferbench.trackers.ids import remember, remembered
from dferbench.trackers.library import library
from dferbench.training.observer import EpochResult, Observer

NAME = "wandb"


class WandB(Observer):
    """Losses, learning rates and metrics by the number of epochs done; the caveats are tags."""

    def __init__(self, project: str = "dferbench", entity: str = "", mode: str = "") -> None:
        self.wandb = library(NAME)
        self.given = {"project": project, "entity": entity or None, "mode": mode or None}
        self.run: Any = None
        self.folder, self.videos = Path(), dict[str, int]()
        self.epochs = 0

    def run_started(self, record: Record, folder: Path, epochs: int, step: int) -> None:
        """Start a run there, or continue in the one that this folder remembers."""
        noted = remembered(folder, NAME)
        identity = noted.get("id") or secrets.token_hex(4)
        remember(folder, NAME, id=identity)
        self.folder, self.videos, self.epochs = folder, record.videos, noted.get("epochs", epochs)
        # It would wrap the console, watch the machine and copy the code, none of which was asked for.
        quiet = self.wandb.Settings(console="off", silent=True, disable_code=True, x_disable_stats=True)
        self.run = self.wandb.init(
            id=identity,
            resume="allow",
            name=title(record),
            group=f"{record.method}-{record.config_id}",
            config=configuration(record),
            tags=list(record.caveats),
            dir=str(folder),
            settings=quiet,
            reinit="finish_previous",
            **self.given,
        )

    def epoch_done(self, epoch: EpochResult) -> None:
        """Log the epoch unless it was: noted first, as a step that is logged twice cannot be taken back."""
        if epoch.epochs <= self.epochs:
            return
        self.epochs = epoch.epochs
        remember(self.folder, NAME, epochs=epoch.epochs)
        self.run.log(scalars(epoch, self.videos), step=epoch.epochs)

    def run_ended(self, record: Record) -> None:
        """Add the final metrics to the summary, and the caveats, of which some are known only now."""
        self.run.tags = tuple(dict.fromkeys([*(self.run.tags or ()), *record.caveats]))
        self.run.summary.update({**final_scalars(record), "status": record.status})
        self.run.finish(exit_code=0)

    def run_failed(self, error: str) -> None:
        """Mark the run as failed."""
        self.run.summary.update({"status": "failed", "error": error})
        self.run.finish(exit_code=1)
