"""Several checkpoints at once: those below a folder, and what each was trained on."""

from __future__ import annotations

from pathlib import Path

from dferbench.checkpoints.format import read_header
from dferbench.errors import ConfigError, DataError
from dferbench.experiment import record as records
from dferbench.experiment.record import CHECKPOINT, Record
from dferbench.registry.datasets import written


def checkpoints_below(path: Path) -> list[Path]:
    """The file itself, or the checkpoints of all runs in and below a folder. Raises DataError for none."""
    if not path.is_dir():
        return [path]
    found = sorted(path.rglob(CHECKPOINT))
    if not found:
        raise DataError(f"there is no {CHECKPOINT} in {path}", "Give the folder of runs that are done.")
    return found


def run_beside(path: Path) -> Record | None:
    """The record of the finished run that a checkpoint is of; None where none lies next to it."""
    place = path.parent / records.NAME
    if path.name != CHECKPOINT or not place.is_file():
        return None
    one = records.read(place)
    return one if one.status == "done" else None


def own_dataset(path: Path) -> str:
    """What the checkpoint was trained on, as a user writes it.

    Raises ConfigError if it does not say, and DataError if it is no checkpoint of dferbench.
    """
    run = run_beside(path)
    if run is not None:
        return written(run.dataset, run.dataset_given)
    if (header := read_header(path)).dataset:
        return header.dataset
    raise ConfigError(
        f"{path} does not say what it was trained on", "Name what to test it on: --dataset NAME."
    )
