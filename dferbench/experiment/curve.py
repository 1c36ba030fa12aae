"""The curve of a run: what each epoch gave. It lies in a file next to the record, read where it is shown.

A study has a thousand curves, and its tables need two epochs of each: those stand in the record.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from dferbench.errors import ConfigError
from dferbench.experiment.counts import Counts
from dferbench.experiment.record_fields import Count, Matrix, Seconds, reason_of
from dferbench.files import from_json, read_regular, write_atomic

NAME = "curve.json"
SCHEMA = 1
MOST_BYTES = 64 * 2**20
"""No curve is larger: a thousand epochs of 43 classes have 8 MB."""


class BadCurve(ConfigError):
    """A curve that is missing, damaged, or not that of the record next to it; the record's result stands."""


class Epoch(BaseModel):
    """One epoch of training and the test result after it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    stage: str
    """The stage of the recipe that it belongs to."""
    epoch: Count
    """Counted from 0 within the stage."""
    terms: dict[str, float]
    """Mean of each loss term over the epoch's videos."""
    learning_rates: dict[str, float]
    """Learning rate of each pattern in the epoch's last step."""
    seconds: Seconds
    """How long it took, test included."""
    confusion: Matrix
    """Of the test videos after the epoch; rows are the truth."""
    top2: Count | None = None
    """How many of them had their class among the two with the highest logits; None in older records."""
    validation: Matrix | None = None
    """The same of the validation videos; None for a run that holds none out."""
    validation_top2: Count | None = None
    """How many of these had their class among the two with the highest logits."""

    @property
    def counts(self) -> Counts:
        """What metrics are computed from."""
        return Counts(self.confusion, top2=self.top2)

    @property
    def held(self) -> Counts | None:
        """What metrics of the validation videos are computed from."""
        return None if self.validation is None else Counts(self.validation, top2=self.validation_top2)

    def stated(self) -> dict[str, Any]:
        """Its fields, of which those of validation are left out where there is none: releases that know of
        none read such a curve."""
        return self.model_dump(exclude=set() if self.validation else {"validation", "validation_top2"})


class _File(BaseModel):
    """What the file holds."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)

    schema_: int
    epochs: list[Epoch]


def write(curve: Sequence[Epoch], folder: Path) -> str:
    """Write the curve atomically, a line an epoch, and return the sha256 of the file for the record.

    Raises DferbenchError if that cannot be.
    """
    content = content_of(curve)
    write_atomic(folder / NAME, content)
    return hashlib.sha256(content).hexdigest()


def content_of(curve: Sequence[Epoch]) -> bytes:
    """What the file of a curve holds."""
    rows = ",\n".join(json.dumps(row.stated(), sort_keys=True, allow_nan=False) for row in curve)
    return f'{{"schema": {SCHEMA}, "epochs": [\n{rows}\n]}}\n'.encode()


def read(folder: Path, sha256: str) -> list[Epoch]:
    """The curve in the folder of a run whose record states this sha256.

    Raises BadCurve if it is missing, no regular file, too large, damaged, or of another run.
    """
    path = folder / NAME
    try:
        content = read_regular(path, MOST_BYTES)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ValueError("its sha256 is not the one that the record next to it states")
        stated = from_json(content)
        if not isinstance(stated, dict) or stated.get("schema") != SCHEMA:
            raise ValueError(f"its schema is not {SCHEMA}: use the version that wrote it")
        return _File.model_validate({"schema_": stated.pop("schema"), **stated}).epochs
    except FileNotFoundError as error:
        raise bad(path, "is gone") from error
    except (OSError, ValueError) as error:
        raise bad(path, f"is not the curve of this run: {reason_of(error)}") from error


def bad(path: Path, what: str) -> BadCurve:
    """The error of a curve that cannot be shown; its hint says that the result is not touched."""
    return BadCurve(
        f"{path} {what}",
        f"The result in record.json stands. To have the curve again, restore the file, or move the folder "
        f"{path.parent} away and give the same command again.",
    )
