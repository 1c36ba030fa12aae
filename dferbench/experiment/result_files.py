"""The files of a result beside its record, and what the record says of them."""

from __future__ import annotations

from pathlib import Path

from dferbench.experiment.record import CHECKPOINT, EPOCH_PREDICTIONS, PREDICTIONS
from dferbench.files import sha256_of

NAMES = (PREDICTIONS, EPOCH_PREDICTIONS, CHECKPOINT)
"""The curve is written with the record, which adds it; the log of events grows on and proves nothing."""


def named_files(folder: Path) -> dict[str, str]:
    """The sha256 of each that a run has left, by name. Raises OSError if one cannot be read."""
    return {name: sha256_of(folder / name) for name in NAMES if (folder / name).is_file()}
