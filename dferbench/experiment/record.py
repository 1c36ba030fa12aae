"""What one cell (one method, dataset, fold and seed) leaves behind: a typed, versioned record.

Integers decide: a metric is never stored without the confusion matrix it comes from, and reading computes it
again and refuses a record that says otherwise. The order of fields is the order of the file's readers, not of
the file, whose keys are sorted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dferbench import spec
from dferbench.errors import ConfigError
from dferbench.experiment import metrics, selection
from dferbench.experiment.metrics import Confusion
from dferbench.experiment.old_records import upgraded
from dferbench.files import digest, to_json, write_atomic

SCHEMA = 2
NAME = "record.json"


class Epoch(BaseModel):
    """One epoch of training and the test result after it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: str
    epoch: int
    """Counted from 0 within the stage."""
    terms: dict[str, float]
    """Mean of each loss term over the epoch's videos."""
    learning_rates: dict[str, float]
    """Learning rate of each pattern in the epoch's last step."""
    seconds: float
    confusion: list[list[int]]
    """Of the test videos after the epoch; rows are the truth."""


class Record(BaseModel):
    """One cell's record; see each field."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_: int = Field(SCHEMA, alias="schema")
    status: Literal["running", "done", "failed", "interrupted"]
    error: str = ""
    """Why it failed, as shown to the user: what is wrong, and on a second line what to do."""
    exit_code: int = 0
    """What a process that ran only this cell ends with."""
    method: str
    origin: str
    """The plugin that registered the method."""
    options: dict[str, Any]
    """Every option of the method, resolved."""
    given: dict[str, str]
    """What the user set, as typed."""
    recipe: dict[str, Any]
    dataset: str
    dataset_origin: str
    dataset_options: dict[str, Any]
    dataset_given: dict[str, Any] = {}
    """The dataset's options that the user set."""
    dataset_notes: dict[str, Any] = {}
    """What the dataset says about this copy: its variant, where its labels and folds came from."""
    checkpoint: dict[str, Any] = {}
    """For a model that was not trained here: the file, its sha256 and what it says of itself."""
    classes: list[str]
    """In the order of the labels and of the logits."""
    fold: int
    seed: int
    config_id: str
    """Hash of everything that changes the result, but for fold, seed and data."""
    data: str
    """Fingerprint of the ids, labels and splits of this fold."""
    videos: dict[str, int]
    """How many videos each split has."""
    synthetic: bool = False
    limit: int | None = None
    """At most so many videos of each split were used: a trial, not a result."""
    parameters: dict[str, int] = {}
    """"total" and "trained" (in any stage)."""
    weights: dict[str, dict[str, Any]] = {}
    """Per backbone: where its weights came from, their sha256, and whether they were random."""
    notes: dict[str, Any] = {}
    """What the method itself wants on record, such as the text of its prompts."""
    decoders: dict[str, int] = {}
    """How many reads each decoder did in this session; remembered features count as the reads behind them."""
    skipped: list[str] = []
    """Ids of videos that could not be read and were left out on request."""
    curve: list[Epoch] = []
    confusion: list[list[int]] = []
    """Of the test videos after the last epoch."""
    metrics: dict[str, dict[str, float]] = {}
    """Derived: per selection rule, "uar" and "war" in percent."""
    environment: dict[str, Any] = {}
    seconds: float = 0.0

    @property
    def caveats(self) -> tuple[str, ...]:
        """What a reader must know before comparing this number: shown beside it in every table."""
        found = {
            "synthetic": self.synthetic,
            "limited": self.limit is not None,
            "random weights": any(w.get("random") for w in self.weights.values()),
            "incomplete": bool(self.skipped),
            "uncommitted code": bool(self.environment.get("dirty")),
            "shuffled frames": _shuffled(self.recipe),
        }
        stated = [*self.dataset_notes.get("caveats", []), *self.checkpoint.get("caveats", [])]
        return tuple(dict.fromkeys([*(caveat for caveat, holds in found.items() if holds), *stated]))

    @property
    def pretraining(self) -> tuple[str, ...]:
        """What was trained elsewhere before: backbones whose weights are not random, files that a method
        started from, an evaluated checkpoint. Empty for a model that started from nothing."""
        towers = [name for name, used in self.weights.items() if not used.get("random")]
        start = self.notes.get("weights")
        files = [str(start["file"])] if isinstance(start, dict) and "file" in start else []
        return (*towers, *files, *([str(self.checkpoint["file"])] if "file" in self.checkpoint else []))

    def under(self, rule: str) -> Confusion:
        """The test confusion that the selection rule picks."""
        return selection.select(rule, [epoch.confusion for epoch in self.curve] or [self.confusion])


def _shuffled(recipe: dict[str, Any]) -> bool:
    """Whether test videos showed their frames out of order."""
    sample = recipe.get("input", {}).get("sample", "")
    return bool(sample and spec.parse_one(sample).options.get("shuffle"))


def measured(record: Record) -> Record:
    """The record with its derived metrics computed from its matrices."""
    picked = {rule: record.under(rule) for rule in selection.RULES} if record.confusion else {}
    derived = {rule: {"uar": metrics.uar(c), "war": metrics.war(c)} for rule, c in picked.items()}
    return record.model_copy(update={"metrics": derived})


def write(record: Record, folder: Path) -> Path:
    """Write the record atomically into the cell's folder. Raises DferbenchError if that cannot be."""
    path = folder / NAME
    write_atomic(path, to_json(measured(record).model_dump(by_alias=True)))
    return path


def read(path: Path) -> Record:
    """Read a record, of this schema or an older one.

    Raises ConfigError if it is damaged, of a newer schema, or its metrics were altered.
    """
    try:
        record = Record.model_validate(upgraded(json.loads(path.read_bytes())))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path} is no valid record: {_first_line(error)}",
            f"Move the folder {path.parent} away, and give the same command again.",
        ) from error
    if record.schema_ != SCHEMA:
        raise ConfigError(
            f"{path} has schema {record.schema_}, not {SCHEMA}", "Use the version that wrote it."
        )
    if digest(measured(record).metrics) != digest(record.metrics):
        raise ConfigError(f"{path} states metrics that its confusion matrix does not give", "Run it again.")
    return record


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        return f"{place}: {first['msg']}" if place else first["msg"]
    return str(error)


def find(folder: Path) -> Iterator[Path]:
    """The paths of all records below a folder, in a stable order."""
    return iter(sorted(folder.rglob(NAME)))
