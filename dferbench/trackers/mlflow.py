"""MLflow: a run in its store for every run here, whether that is a database, a server or a folder."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from dferbench.errors import ConfigError
from dferbench.experiment.record import Record
from dferbench.trackers.facts import final_scalars, parameters, scalars, title
from dferbench.trackers.ids import remember, remembered
from dferbench.trackers.library import library
from dferbench.training.observer import EpochResult, Observer

NAME = "mlflow"


class MLflow(Observer):
    """Losses, learning rates and metrics by the number of epochs done; the caveats are a tag."""

    def __init__(self, uri: str = "", experiment: str = "dferbench") -> None:
        library(NAME)
        self.client, self.experiment = _client(uri), experiment
        self.run, self.videos, self.epochs = "", dict[str, int](), 0
        self.logged: dict[str, int] | None = None

    def run_started(self, record: Record, folder: Path, epochs: int, step: int) -> None:
        """Start a run in the store, or continue in the one that this folder remembers."""
        self.videos, self.epochs, self.logged = record.videos, epochs, {}
        self.run = remembered(folder, NAME).get("run", "")
        if self.run:
            self.logged = None
            self.client.update_run(self.run, status="RUNNING")
        else:
            self.run = self._create(record)
            remember(folder, NAME, run=self.run)
        self.client.set_tag(self.run, "status", record.status)

    def _create(self, record: Record) -> str:
        found = self.client.get_experiment_by_name(self.experiment)
        home = found.experiment_id if found else self.client.create_experiment(self.experiment)
        tags = {"caveats": ", ".join(record.caveats) or "none"}
        run: str = self.client.create_run(home, tags=tags, run_name=title(record)).info.run_id
        for name, value in parameters(record).items():
            self.client.log_param(run, _safe(name), value)
        return run

    def epoch_done(self, epoch: EpochResult) -> None:
        """Log each number of the epoch that the store does not hold yet."""
        self.epochs = epoch.epochs
        self._log(scalars(epoch, self.videos))

    def run_ended(self, record: Record) -> None:
        """Add the final metrics, and the caveats, of which some are known only now."""
        self._log(final_scalars(record))
        self.client.set_tag(self.run, "caveats", ", ".join(record.caveats) or "none")
        self.client.set_tag(self.run, "status", record.status)
        self.client.set_terminated(self.run, "FINISHED")

    def run_failed(self, error: str) -> None:
        """Mark the run as failed and say why."""
        self.client.set_tag(self.run, "status", "failed")
        self.client.set_tag(self.run, "error", error)
        self.client.set_terminated(self.run, "FAILED")

    def _log(self, numbers: dict[str, float]) -> None:
        from mlflow.entities import Metric

        named = {_safe(name): value for name, value in numbers.items()}
        if self.logged is None:
            self.logged = {name: self._last_step(name) for name in named}
        now = int(time.time() * 1000)
        new = {name: value for name, value in named.items() if self.logged.get(name, -1) < self.epochs}
        metrics = [Metric(name, value, now, self.epochs) for name, value in new.items()]
        self.client.log_batch(self.run, metrics=metrics)

    def _last_step(self, name: str) -> int:
        return max((metric.step for metric in self.client.get_metric_history(self.run, name)), default=-1)


def _client(uri: str) -> Any:
    """A client whose store answers. Raises ConfigError with what MLflow says of one that does not."""
    from mlflow import MlflowClient

    try:
        client = MlflowClient(tracking_uri=uri or None)
        client.search_experiments(max_results=1)
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ConfigError(
            f"MLflow cannot use the store '{uri or 'by default'}': {reason}",
            "Give one as in --tracker 'mlflow(uri=sqlite:///mlflow.db)'.",
        ) from error
    return client


def _safe(name: str) -> str:
    """A name that every store takes: what else stands in it becomes its code point, so that none collide."""
    return re.sub(r"[^\w\-./ ]", lambda match: f"_{ord(match[0]):x}_", name, flags=re.ASCII)
