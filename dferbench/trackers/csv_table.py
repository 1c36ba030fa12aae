"""CSV: a table of the epochs in the run's folder, for a spreadsheet or pandas."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from dferbench.csv_text import csv_text, plain
from dferbench.experiment.record import Record
from dferbench.files import write_atomic
from dferbench.trackers.facts import scalars
from dferbench.training.observer import EpochResult, Observer

NAME = "epochs.csv"


class Csv(Observer):
    """One row an epoch; a column for every loss term, learning rate and metric of any stage.

    The file is written whole each time, since a later stage may bring columns of its own.
    """

    def __init__(self) -> None:
        self.path, self.videos, self.caveats = Path(NAME), dict[str, int](), ""
        self.rows: list[Mapping[str, object]] = []

    def run_started(self, record: Record, folder: Path, epochs: int, step: int) -> None:
        """Go on behind the rows of the epochs that are not trained again."""
        self.path, self.videos = folder / NAME, record.videos
        self.caveats = ", ".join(record.caveats)
        self.rows = [row for row in _read(self.path) if int(row["epochs"]) <= epochs]

    def epoch_done(self, epoch: EpochResult) -> None:
        """Add a row."""
        place = {
            "epochs": epoch.epochs,
            "stage": epoch.row.stage,
            "epoch": epoch.row.epoch,
            "step": epoch.step,
        }
        self.rows.append({**place, **scalars(epoch, self.videos), "caveats": self.caveats})
        self._write()

    def run_ended(self, record: Record) -> None:
        """Put the caveats right, of which some are known only now."""
        self.caveats = ", ".join(record.caveats)
        self.rows = [{**row, "caveats": self.caveats} for row in self.rows]
        self._write()

    def _write(self) -> None:
        names = dict.fromkeys(name for row in self.rows for name in row if name != "caveats")
        columns = [*names, "caveats"]
        lines: list[list[object]] = [[*columns], *([row.get(name) for name in columns] for row in self.rows)]
        write_atomic(self.path, csv_text(lines))


def _read(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [{plain(name): value for name, value in row.items() if value} for row in csv.DictReader(file)]
