"""Whether the files next to a record are those that it names."""

from __future__ import annotations

from pathlib import Path

from dferbench.errors import DferbenchError
from dferbench.experiment.record import PREDICTIONS, Record, read_whole
from dferbench.experiment.result_files import missing_files, other_files
from dferbench.verification.finding import Refuted


def require_hashes(record: Record, folder: Path) -> list[str]:
    """What of the named files is not there, or why nothing can be said. Raises Refuted for another file.

    A checkpoint may be kept elsewhere, so a file that is gone refutes nothing.
    """
    if not record.files:
        return ["the record names no hashes, as those of earlier releases"]
    if other := other_files(record, folder):
        raise Refuted(f"{' and '.join(other)} is not what the record names: its sha256 is another")
    return [f"{name} is not there" for name in missing_files(record, folder)]


def named(record: Record, folder: Path) -> bool:
    """Whether the predictions are there and their hash is named: without them hashes prove no number."""
    return PREDICTIONS in record.files and (folder / PREDICTIONS).is_file()


def with_curve(record: Record, path: Path) -> Record:
    """The record with its curve, or as it is where that is not there. Raises Refuted for another curve."""
    from dferbench.experiment.curve import NAME

    if record.curve_sha256 and not (path.parent / NAME).exists():
        return record
    try:
        return read_whole(path, {})
    except DferbenchError as error:
        raise Refuted(str(error)) from error
