"""The files of a result next to its record, and what the record says of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dferbench.experiment import curve
from dferbench.experiment.record import (
    CHECKPOINT,
    EPOCH_PREDICTIONS,
    NAME,
    PREDICTIONS,
    STATE,
    VALIDATION,
    Record,
)
from dferbench.files import sha256_of

NAMES = (PREDICTIONS, VALIDATION, EPOCH_PREDICTIONS, CHECKPOINT)
"""The curve is written with the record, which adds it; the log of events grows on and proves nothing."""

FILES: Mapping[str, str] = {
    NAME: "The record: what was asked for and what came out, as JSON. Its fields are below.",
    curve.NAME: "The curve: a row for each epoch, as JSON.",
    PREDICTIONS: "Arrays `id` (N), `label` (N) and `logits` (N, C) of the test videos after the last epoch.",
    VALIDATION: "The same of the validation videos, where some are held out.",
    EPOCH_PREDICTIONS: "With `--keep-predictions all` arrays `id` (N), `label` (N) and `logits` (E, N, C) of "
    "the test videos after every epoch, in half precision.",
    CHECKPOINT: "The trained parameters after the last epoch, with what is needed to build the network.",
    "events.jsonl": "The log: what happened and when, a line of JSON for each event.",
    "trackers.json": "The ids under which trackers know the run, so that a resumed one continues there.",
    STATE: "From which a run in training resumes; gone when it is done.",
}
"""What may lie in the folder of a run, trackers' own files aside."""


def named_files(folder: Path) -> dict[str, str]:
    """The sha256 of each that a run has left, by name. Raises OSError if one cannot be read."""
    return {name: sha256_of(folder / name) for name in NAMES if (folder / name).is_file()}


def missing_files(record: Record, folder: Path) -> list[str]:
    """The names of files that the record names and that are not there."""
    return [name for name in record.files if not (folder / name).exists()]


def other_files(record: Record, folder: Path) -> list[str]:
    """The names of files that are there and are not those of the record: no regular ones, or of another
    sha256. Raises OSError if one cannot be read."""
    return [name for name, sha256 in record.files.items() if _is_other(folder / name, sha256)]


def _is_other(path: Path, sha256: str) -> bool:
    if path.is_symlink() or (path.exists() and not path.is_file()):
        return True
    return path.is_file() and sha256_of(path) != sha256
