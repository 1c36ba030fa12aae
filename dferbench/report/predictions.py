"""The predictions that a run left, taken only if they are those that its record counts."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dferbench.errors import DataError
from dferbench.experiment.record import PREDICTIONS, Record
from dferbench.files import read_regular

MOST_BYTES = 2**30
"""No file is larger, packed or not: a hundred thousand videos of 43 classes have 100 MB."""


@dataclass(frozen=True)
class Predicted:
    """The test videos of a run: ids, labels (N,) in [0, C) and logits (N, C)."""

    ids: list[str]
    labels: NDArray[np.int64]
    logits: NDArray[Any]


def read_predictions(record: Record, folder: Path) -> Predicted:
    """The predictions in a run's folder. Raises DataError if they are missing, damaged, or give another
    confusion matrix than the record has."""
    path = folder / PREDICTIONS
    found = read_logits(path, len(record.classes))
    counted = np.zeros((len(record.classes),) * 2, dtype=np.int64)
    np.add.at(counted, (found.labels, found.logits.argmax(1)), 1)
    if counted.tolist() != record.confusion:
        raise DataError(
            f"{path} is of another result than its record: it gives another confusion matrix",
            "Repeat that run.",
        )
    return found


def read_logits(path: Path, classes: int) -> Predicted:
    """What a file of predictions holds, in the form of `predictions.npz`. Raises DataError if it is missing,
    damaged, or of another number of classes."""
    try:
        found = _arrays(read_regular(path, MOST_BYTES))
        _require_shapes(found, classes)
    except FileNotFoundError as error:
        raise DataError(f"{path} is not there", "Repeat that run to have its predictions.") from error
    except Exception as error:  # numpy and zipfile raise many kinds for a damaged file
        raise DataError(f"{path} cannot be read: {error}", "Repeat that run.") from error
    return found


def _arrays(content: bytes) -> Predicted:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(one.file_size for one in archive.infolist()) > MOST_BYTES:
            raise ValueError(f"it unpacks to more than {MOST_BYTES // 2**20} MB")
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return Predicted(file["id"].astype(str).tolist(), file["label"], file["logits"])


def _require_shapes(found: Predicted, classes: int) -> None:
    videos = len(found.ids)
    if found.labels.shape != (videos,) or found.logits.shape != (videos, classes):
        shapes = f"{found.labels.shape} labels and {found.logits.shape} logits"
        raise ValueError(f"it has {videos} ids, {shapes}, for {classes} classes")
    if found.labels.dtype.kind not in "iu" or found.logits.dtype.kind != "f":
        raise ValueError(f"its labels are {found.labels.dtype}, its logits {found.logits.dtype}")
    if videos and not 0 <= found.labels.min() <= found.labels.max() < classes:
        raise ValueError(f"it has labels outside of [0, {classes})")
    if len(set(found.ids)) != videos:
        raise ValueError("it has one id twice")
