"""What one run (one method, dataset, fold and seed) leaves behind: a typed, versioned record.

Integers decide: the counts of the epochs that selection picks stand in the record and those of the others in
the curve next to it, metrics are derived from them, and reading computes each metric that it knows again and
refuses a record that says otherwise. A metric that the reader does not know, as its plugin is not there, is
kept as it stands. The order of fields is the order of the file's readers, not of the file, whose keys are
sorted.
"""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from dferbench.errors import ConfigError
from dferbench.experiment import curve as curves
from dferbench.experiment import record_caveats, selection
from dferbench.experiment.counts import Confusion, Counts
from dferbench.experiment.curve import Epoch as Epoch
from dferbench.experiment.metrics import METRICS, Metric, Metrics
from dferbench.experiment.old_records import upgraded
from dferbench.experiment.record_checks import require_consistent, require_curve
from dferbench.experiment.record_fields import Count, Matrix, Name, Number, Plain, Seconds, reason_of
from dferbench.experiment.record_paths import CHECKPOINT as CHECKPOINT
from dferbench.experiment.record_paths import EPOCH_PREDICTIONS as EPOCH_PREDICTIONS
from dferbench.experiment.record_paths import NAME as NAME
from dferbench.experiment.record_paths import PREDICTIONS as PREDICTIONS
from dferbench.experiment.record_paths import STATE as STATE
from dferbench.experiment.record_paths import VALIDATION as VALIDATION
from dferbench.experiment.record_paths import find as find
from dferbench.experiment.record_recipe import compute_of as compute_of
from dferbench.experiment.selected import HeldOut, Selected, SelectedByValidation, picked_of
from dferbench.files import from_json, read_regular, to_json, write_atomic

SCHEMA = 3
MOST_BYTES = 64 * 2**20
"""No record is larger: earlier releases kept the curve in it, 20 MB for a thousand epochs of 43 classes."""
LATER = {"validation", "val", "trial", "files", "outside"}
"""Fields that are left out of files where they say nothing: releases that do not know them read the rest."""


class BadRecord(ConfigError):
    """A record that is damaged, contradicts itself, of a newer release, or lies where another's belongs."""


class Record(BaseModel):
    """The record of one run; see each field."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)

    schema_: int = Field(SCHEMA, alias="schema")
    """The version of this list of fields; releases read their own and all earlier ones."""
    status: Literal["running", "done", "failed", "interrupted"]
    """How the run stands; only one that is done has a result."""
    error: str = ""
    """Why it failed, as shown to the user: what is wrong, and on a second line what to do."""
    exit_code: Number = 0
    """What a process that ran only this run ends with."""
    method: Name
    """The name under which a plugin registered it."""
    origin: str
    """The plugin that registered the method."""
    options: Plain
    """Every option of the method, resolved."""
    given: dict[str, str]
    """What the user set, as typed."""
    recipe: Plain
    """How videos are sampled and prepared, and how the method is trained, resolved."""
    dataset: Name
    """The name under which a plugin registered it."""
    dataset_origin: str
    """The plugin that registered the dataset."""
    dataset_options: Plain
    """Every option of the dataset, resolved."""
    dataset_given: Plain = {}
    """The dataset's options that the user set."""
    dataset_notes: Plain = {}
    """What the dataset says about this copy: its variant, where its labels and folds came from."""
    checkpoint: Plain = {}
    """For a model that was not trained here: the file, its sha256 and what it says of itself."""
    outside: Plain = {}
    """For predictions that were made elsewhere: their file, its sha256, what was taken from it, and what was
    counted (ids that are unknown or missing, answers that stand for no class)."""
    classes: list[str]
    """In the order of the labels and of the logits."""
    fold: Number
    """Which division into training and test videos, from 1 on."""
    seed: Number
    """Of all that is drawn: first weights, order of the videos, augmentation."""
    config_id: Name
    """Hash of everything that changes the result, but for fold, seed and data."""
    data: str
    """Fingerprint of the ids, labels and splits of this fold."""
    videos: dict[str, Count]
    """How many videos each split has: "train", "test", and "validation" where some are held out."""
    synthetic: bool = False
    """Whether any video was drawn by a program."""
    limit: Count | None = None
    """At most so many videos of each split were used: a trial, not a result."""
    parameters: dict[str, Count] = {}
    """"total" and "trained" (in any stage)."""
    weights: dict[str, Plain] = {}
    """Per backbone: where its weights came from, their sha256, and whether they were random."""
    notes: Plain = {}
    """What the method itself adds to the record, such as the text of its prompts."""
    decoders: dict[str, Count] = {}
    """How many reads each decoder did in this session; remembered features count as the reads behind them."""
    skipped: list[str] = []
    """Ids of videos that could not be read and were left out on request."""
    curve: list[Epoch] | None = None
    """A row for each epoch; None where it was not read. In files it lies next to the record."""
    epochs_: Count = Field(default=0, alias="epochs")
    """How many epochs the curve has."""
    curve_sha256: str = ""
    """Of the file with the curve; empty where there is none, as in records of earlier releases."""
    files: dict[str, str] = {}
    """The sha256 of each file of the result next to the record; empty in records of earlier releases."""
    best_on_test: Selected | None = None
    """The epoch that is best on the test videos, for a run with epochs."""
    validation: HeldOut | None = None
    """What was held out of the training videos; None if nothing was."""
    trial: bool = False
    """Whether it is a trial of a search for settings: what is called test are its validation videos."""
    val: SelectedByValidation | None = None
    """The epoch that is best on the validation videos, by WAR."""
    confusion: Matrix = []
    """Of the test videos after the last epoch."""
    top2: Count | None = None
    """How many of them had their class among the two with the highest logits; None in older records."""
    metrics: dict[str, dict[str, float | None]] = {}
    """Derived: per selection rule and metric its value, None where it is undefined."""
    code: dict[str, str] = {}
    """Fingerprints of the plugin files that made the result; empty in records of earlier releases."""
    mixed_code: bool = False
    """Whether it was continued, on request, by other code than that which began it."""
    folds: list[Number] = []
    """All folds that the dataset has; empty in records of earlier releases."""
    environment: Plain = {}
    """Versions, device, threads, and the commit of the code."""
    seconds: Seconds = 0.0
    """How long training and tests took, all sessions together."""
    _folder: str = PrivateAttr("")
    _sha256: str = PrivateAttr("")

    @property
    def folder(self) -> str:
        """Where it was read, "" for one that was not; it is no part of the record."""
        return self._folder

    @property
    def sha256(self) -> str:
        """Of the file that it was read from, "" for one that was not read."""
        return self._sha256

    @property
    def model_seed(self) -> int:
        """The seed of the model: of an evaluated checkpoint the one that it was trained with."""
        return int(self.checkpoint.get("seed", self.seed))

    @property
    def stressed(self) -> bool:
        """Whether its test videos were corrupted on purpose."""
        return "stress" in self.checkpoint

    @property
    def caveats(self) -> tuple[str, ...]:
        """What a reader must know before comparing this number: shown next to it in every table."""
        return record_caveats.stated_by(self)

    @property
    def pretraining(self) -> tuple[str, ...]:
        """What was trained elsewhere before: backbones whose weights are not random, files that a method
        started from, an evaluated checkpoint. Empty for a model that started from nothing."""
        if self.outside:
            return ("unknown",)
        towers = [name for name, used in self.weights.items() if not used.get("random")]
        start = self.notes.get("weights")
        files = [str(start["file"])] if isinstance(start, dict) and "file" in start else []
        return (*towers, *files, *([str(self.checkpoint["file"])] if "file" in self.checkpoint else []))

    @property
    def epochs(self) -> int:
        """How many epochs were trained and tested."""
        return self.epochs_ if self.curve is None else len(self.curve)

    def under(self, rule: str) -> Confusion:
        """The test confusion that the selection rule picks. Raises UnknownName."""
        return self.counts(rule).confusion

    def counts(self, rule: str) -> Counts:
        """What metrics are computed from, at the epoch that the selection rule picks. Raises as `picked`."""
        return self.picked(rule)[1]

    def value(self, metric: Metric, rule: str) -> float | None:
        """The metric at the epoch that the selection rule picks, None where it is undefined.

        What the record states was computed when it was read; what it does not state is computed here. Raises
        as `picked`.
        """
        stated = self.metrics.get(rule, {}).get(metric.name)
        return metric.of(self.counts(rule)) if stated is None else stated

    def answers(self, rule: str) -> bool:
        """Whether it can be told what the rule picks: of a run without validation it is not known by val. A
        run without epochs has nothing to choose, and is what it is by every rule."""
        return not selection.by_validation(rule) or not self.epochs or self.validation is not None

    @property
    def rules(self) -> list[str]:
        """The selection rules whose metrics it states."""
        chosen = self.validation is not None and self.epochs
        return [rule for rule in selection.RULES if chosen or rule != selection.VAL]

    def picked(self, rule: str) -> tuple[int, Counts]:
        """The epoch that the selection rule picks, counted from 0 over the whole run and -1 where there is
        none, and its counts. Raises UnknownName, and ConfigError if it does not answer the rule."""
        epoch, found = self._selected(rule)
        top2 = self.top2 if found.top2 is None and epoch == self.epochs - 1 else found.top2
        return epoch, Counts(found.confusion, tuple(self.classes), top2)

    def _selected(self, rule: str) -> tuple[int, Record | Epoch | Selected]:
        selection.require(rule)
        if not self.answers(rule):
            raise ConfigError(
                f"the run of {self.method}, fold {self.fold} seed {self.seed}, held no validation videos out",
                "Select by last, or run it again with --validation 0.1.",
            )
        if self.curve:
            place = selection.pick(rule, self.curve)
            return place, self.curve[place]
        if self.epochs and rule not in selection.RULES:
            raise ConfigError(f"{rule} needs the curve of the run, which was not read", "Select by val.")
        best = {selection.BEST: self.best_on_test, selection.VAL: self.val}.get(rule)
        return (best.epoch, best) if best else (self.epochs - 1, self)


def measured(record: Record, metrics: Metrics = METRICS) -> Record:
    """The record with every metric in `metrics` computed from its counts; others stay as they are stated.

    Raises ConfigError if the function of a plugin's metric fails.
    """
    if not record.confusion:
        return record
    derived: dict[str, dict[str, float | None]] = {}
    for rule in record.rules:
        counts = record.counts(rule)
        found = {name: one.of(counts) for name, one in metrics.items()}
        derived[rule] = {**record.metrics.get(rule, {}), **found}
    return record.model_copy(update={"metrics": derived})


def without_curve(record: Record) -> Record:
    """The record with what tables need of its curve, which itself is left out."""
    if record.curve is None:
        return record
    found = {"epochs_": record.epochs, "curve": None, **picked_of(record.curve, record.validation)}
    return record.model_copy(update=found)


def write(record: Record, folder: Path, metrics: Metrics = METRICS) -> Path:
    """Write the record into the folder of the run, with the values of `metrics`, and its curve next to it.

    Each file is written atomically, the curve first: a record states the sha256 of a curve that is there, and
    who is killed between the two leaves the record as it was, of a run that is not done. A record whose curve
    was not read leaves the file as it is. Raises DferbenchError if that cannot be.
    """
    path, stated = folder / NAME, measured(record, metrics).model_copy(update={"schema_": SCHEMA})
    if stated.curve is not None:
        sha256 = curves.write(stated.curve, folder) if stated.curve else ""
        files = {**stated.files, **({curves.NAME: sha256} if sha256 else {})}
        stated = without_curve(stated).model_copy(update={"curve_sha256": sha256, "files": files})
    write_atomic(path, to_json(as_stated(stated)))
    return path


def as_stated(record: Record) -> dict[str, Any]:
    """What the file of a record holds, the curve left out, as plain data."""
    silent = {name for name in LATER if not getattr(record, name)}
    return record.model_dump(by_alias=True, exclude={"curve", *silent})


def read(path: Path, metrics: Metrics = METRICS) -> Record:
    """Read a record, of this schema or an older one, without its curve.

    Raises BadRecord if it is damaged, no regular file or too large, contradicts itself, states a value of one
    of `metrics` that its counts do not give, or is of a newer schema.
    """
    return without_curve(_read(path, metrics))


def read_whole(path: Path, metrics: Metrics = METRICS) -> Record:
    """Read a record and its curve, which must agree.

    Raises BadRecord as `read`, and BadCurve if the curve is missing, damaged, or not that of this record.
    """
    record = _read(path, metrics)
    return record if record.curve is not None else with_curve(record, path.parent)


def with_curve(record: Record, folder: Path) -> Record:
    """The record with its curve, read from the folder of the run. Raises BadCurve.

    Earlier releases kept the curve in the record, which is then read again.
    """
    if record.curve is not None:
        return record
    if record.epochs and not record.curve_sha256:
        return record.model_copy(update={"curve": _read(folder / NAME, METRICS).curve})
    curve = curves.read(folder, record.curve_sha256) if record.epochs else []
    try:
        require_curve(record, curve)
    except ValueError as error:
        raise curves.bad(
            folder / curves.NAME, f"does not agree with the record next to it: {error}"
        ) from None
    return record.model_copy(update={"curve": curve})


def _read(path: Path, metrics: Metrics) -> Record:
    try:
        content = read_regular(path, MOST_BYTES)
        stated = from_json(content)
        _require_known_schema(stated, path)
        stated = upgraded(stated)
        record = Record.model_validate(stated, strict=True)
        require_consistent(record)
    except (OSError, ValueError) as error:
        raise BadRecord(
            f"{path} is not a valid record: {reason_of(error)}",
            f"Restore the file, or move the folder {path.parent} away and give the same command again.",
        ) from error
    _check(record, path, metrics)
    record._folder, record._sha256 = str(path.parent), hashlib.sha256(content).hexdigest()
    return record


def _require_known_schema(stated: Any, path: Path) -> None:
    found = stated.get("schema") if isinstance(stated, dict) else SCHEMA
    if type(found) is int and not 1 <= found <= SCHEMA:
        raise BadRecord(f"{path} has schema {found}, not {SCHEMA}", "Use the version that wrote it.")
    if found == SCHEMA and "curve" in stated:
        raise ValueError("curve: since schema 3 it lies in a file of its own")


TOLERANCE = 1e-6
"""How far a stated metric may lie from the computed one: room for another order of additions."""


def _check(record: Record, path: Path, metrics: Metrics) -> None:
    """Compare what the record states of `metrics` with what its counts give, which is what stays in it."""
    known: dict[tuple[int, str], float | None] = {}
    for rule, stated in record.metrics.items():
        if rule not in record.rules or not record.confusion:
            raise BadRecord(f"{path} states metrics of '{rule}', for which it has no counts", _edited(path))
        epoch, counts = record.picked(rule)
        for name, value in stated.items():
            if name not in metrics:
                continue
            # Often the best epoch is the last: then nothing is computed twice.
            if (epoch, name) not in known:
                known[epoch, name] = metrics[name].of(counts)
            if not _agree(value, found := known[epoch, name]):
                one = metrics[name]
                raise BadRecord(
                    f"{path} states {one.title} {_exact(value)} ({rule}), "
                    f"but its confusion matrix and counts give {_exact(found)}",
                    _edited(path, one),
                )
            stated[name] = found


def _agree(stated: float | None, found: float | None) -> bool:
    if stated is None or found is None:
        return stated is found
    return math.isclose(stated, found, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def _exact(value: float | None) -> str:
    return "none" if value is None else f"{value:.8g}"


def _edited(path: Path, one: Metric | None = None) -> str:
    """What to do about a record that contradicts itself; a plugin may also have changed its metric."""
    plugin = one.origin if one and one.origin != METRICS["uar"].origin else ""
    cause = "The file was edited by hand" + (f", or {plugin} was changed." if plugin else ".")
    return f"{cause} Restore it, or move the folder {path.parent} away and run the same command again."
