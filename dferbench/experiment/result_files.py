"""The files of a result next to its record, and what the record says of them."""

from __future__ import annotations

from pathlib import Path

from dferbench.experiment.record import CHECKPOINT, EPOCH_PREDICTIONS, PREDICTIONS, VALIDATION, Record
from dferbench.files import sha256_of

NAMES = (PREDICTIONS, VALIDATION, EPOCH_PREDICTIONS, CHECKPOINT)
"""The curve is written with the record, which adds it; the log of events grows on and proves nothing."""


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
