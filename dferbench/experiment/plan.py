"""Everything cheap first: what was asked for, resolved and checked before anything takes long. No torch."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from dferbench import spec
from dferbench.data.decoders.pack import is_packed
from dferbench.data.packs.dataset import dataset_at
from dferbench.errors import ConfigError, DataError, UnknownName
from dferbench.experiment import record as records
from dferbench.experiment.code import changed, code_of
from dferbench.experiment.config_id import config_id
from dferbench.experiment.metrics import Metrics, registered
from dferbench.experiment.recipe import check_recipe
from dferbench.experiment.record import Record
from dferbench.experiment.soft_targets import SoftTargets, check_targets
from dferbench.experiment.validation import Held, check_validation, hold_out, stated
from dferbench.machine.cores import Number
from dferbench.places import root_of
from dferbench.progress import Progress
from dferbench.registry.catalog import Catalog, Entry
from dferbench.registry.datasets import Chosen, make_dataset
from dferbench.registry.options import change_recipe, options_of, resolve, split_recipe
from dferbench.types import Dataset, Method, Recipe, Task, Video

CHANGED = ("ask", "keep", "again")
KEPT = ("last", "all")
NO_CODE: Mapping[str, str] = MappingProxyType({})
NOTHING: Mapping[str, Record] = MappingProxyType({})
Looked: TypeAlias = "Mapping[tuple[int, int], Record | records.BadRecord | None]"
"""Per fold and seed the record of the run, why it cannot be used, or None where there is none."""


@dataclass(frozen=True)
class Request:
    """What the user asked for, as typed; `folds` None means the first one, () means all."""

    model: str
    dataset: str
    sets: Mapping[str, str] = field(default_factory=dict)
    folds: Sequence[int] | None = None
    seeds: Sequence[int] = (0,)
    root: Path | None = None
    weights: Mapping[str, str] = field(default_factory=dict)
    remembered: Mapping[str, str] = field(default_factory=dict)
    """Weights that are configured once: those of them count that the method's options name."""
    limit: int | None = None
    output: Path = Path("runs")
    device: str = "auto"
    devices: str = ""
    """Several for one run, as `--devices` says them: a number of devices, or theirs; not in the config id."""
    workers: Number = "auto"
    decoder: str = "auto"
    skip_bad: bool = False
    force: bool = False
    changed: str = "ask"
    """What to do with a run whose code has changed since: one of CHANGED."""
    trackers: Sequence[str] = ()
    """As `name(option=value)`; what follows a run changes nothing in it, and is not in its config id."""
    validation: float | None = None
    """The fraction of the training videos that is held out to choose epochs by; None or 0 for none."""
    patience: int | None = None
    """A stage ends after so many epochs without a better validation result; None to train them all."""
    trial: bool = False
    """A trial of a search for settings: its validation videos stand for test videos, which are not read."""
    save_every: float = 0.0
    """Minutes between two writings of a run's state; 0 for every epoch. It changes no result either."""
    keep_predictions: str = "last"
    """Those of the last epoch or of all: one of KEPT. It changes no result either."""


@dataclass(frozen=True)
class Split:
    """The videos of one fold, and the fingerprint of their ids and labels."""

    train: Sequence[Video]
    test: Sequence[Video]
    fingerprint: str
    paths: Sequence[str] = ()
    """Where all videos of the fold are, those that a limit leaves out included."""
    validation: Sequence[Video] = ()
    """Held out of the training videos; `fingerprint` is the same with and without."""
    held: Held | None = None
    """All that was held out, those that a limit leaves out included."""
    targets: SoftTargets | None = None
    """What the training videos have in place of labels, once it was read."""

    @property
    def sizes(self) -> dict[str, int]:
        """How many videos each part has."""
        held = {} if self.held is None else {"validation": len(self.validation)}
        return {"train": len(self.train), **held, "test": len(self.test)}


@dataclass(frozen=True)
class Plan:
    """A request with every name resolved: what `run` needs, and what the record says was run."""

    request: Request
    method: Entry
    options: dict[str, Any]
    recipe: Recipe
    task: Task
    dataset: Dataset
    dataset_entry: Entry
    dataset_options: dict[str, Any]
    dataset_given: dict[str, Any]
    root: Path
    folds: tuple[int, ...]
    config_id: str
    metrics: Metrics
    """What records of its runs state."""
    code: Mapping[str, str] = field(default_factory=dict)
    """The fingerprints of the plugin code that makes its results."""

    def folder(self, fold: int, seed: int) -> Path:
        """Where the run of this fold and seed leaves its files."""
        return self._home / f"fold{fold}-seed{seed}"

    @cached_property
    def _home(self) -> Path:
        """The folder of all runs of this configuration."""
        return self.request.output / self.task.dataset / f"{self.method.name}-{self.config_id}"

    @cached_property
    def runs(self) -> list[tuple[int, int]]:
        """Every (fold, seed), folds first."""
        return [(fold, seed) for fold in self.folds for seed in self.request.seeds]

    def stored(self, fold: int, seed: int) -> Record | None:
        """The record in the folder of a run. Raises BadRecord if it is damaged or of another run."""
        path = self.folder(fold, seed) / records.NAME
        return self._own(records.read(path, self.metrics), fold, seed) if path.is_file() else None

    def _own(self, record: Record, fold: int, seed: int) -> Record:
        found = (record.method, record.dataset, record.config_id, record.fold, record.seed)
        if found != (self.method.name, self.task.dataset, self.config_id, fold, seed):
            path = self.folder(fold, seed) / records.NAME
            raise records.BadRecord(
                f"{path} is the record of another run: of {record.method} {record.config_id} on "
                f"{record.dataset}, fold {record.fold}, seed {record.seed}",
                f"Move the folder {path.parent} away and give the same command again.",
            )
        return record

    def look(self, known: Mapping[str, Record] = NOTHING) -> Looked:
        """What lies in the folder of every run, each read once; `known` are records that were read already,
        by their folders."""
        return {run: self._look(run, known) for run in self.runs}

    def _look(self, run: tuple[int, int], known: Mapping[str, Record]) -> Record | records.BadRecord | None:
        try:
            there = known.get(str(self.folder(*run)))
            return self.stored(*run) if there is None else self._own(there, *run)
        except records.BadRecord as error:
            return error

    def keeps(self, record: Record | records.BadRecord | None) -> bool:
        """Whether that is of a run that is done and not to be started again."""
        if not isinstance(record, Record) or record.status != "done" or self.request.force:
            return False
        return self.request.changed != "again" or not self.changes(record)

    def finished(self, fold: int, seed: int) -> Record | None:
        """The record of a run that is done and not to be started again. Raises BadRecord if damaged."""
        record = None if self.request.force else self.stored(fold, seed)
        return record if self.keeps(record) else None

    @property
    def unfinished(self) -> list[tuple[int, int]]:
        """The runs to be made; one whose record is damaged is not, as it may be done."""
        if self.request.force:
            return self.runs
        looked = self.look().items()
        return [run for run, one in looked if not isinstance(one, records.BadRecord) and not self.keeps(one)]

    def changes(self, record: Record) -> list[str]:
        """The files of code that have changed since a run; none for records of releases that kept none."""
        return changed(record.code, self.code)


@dataclass(frozen=True)
class Settled:
    """What a request means, wherever its data lie: all that decides a result but fold, seed and videos."""

    method: Entry
    options: dict[str, Any]
    recipe: Recipe
    chosen: Chosen
    config_id: str
    metrics: Metrics
    weights: Mapping[str, str] | None = None
    """Those of the request, and of the configured ones those that the method uses; None for the former."""


def make_plan(request: Request, catalog: Catalog) -> Plan:
    """Resolve every name and option of a request. Raises ConfigError, UnknownName or DataError."""
    settled = settle(request, catalog)
    code = code_of(settled.method, settled.options, settled.recipe, catalog, request.decoder)
    return place(settled, request, code)


def place(settled: Settled, request: Request, code: Mapping[str, str] = NO_CODE) -> Plan:
    """Join what a request means with where its data lie; `code` is what makes its results.

    Raises UnknownName or DataError, and ConfigError for what `changed`, `save_every` or
    `keep_predictions` cannot be.
    """
    if request.changed not in CHANGED:
        raise UnknownName("answer to --changed", request.changed, CHANGED)
    if request.keep_predictions not in KEPT:
        raise UnknownName("choice of --keep-predictions", request.keep_predictions, KEPT)
    if not request.save_every >= 0:
        raise ConfigError(
            f"--save-every must be a number of minutes, 0 or more, got {request.save_every}",
            "Leave it out to have the state written after every epoch.",
        )
    name, input = settled.chosen.entry.name, settled.recipe.input
    assert isinstance(input.size, int)
    root = root_of(name, settled.chosen.dataset, request.root)
    dataset = dataset_at(settled.chosen, root)
    return Plan(
        request=request if settled.weights is None else replace(request, weights=settled.weights),
        method=settled.method,
        options=settled.options,
        recipe=settled.recipe,
        task=Task(name, tuple(dataset.classes), input.frames, input.size),
        dataset=dataset,
        dataset_entry=settled.chosen.entry,
        dataset_options=settled.chosen.options,
        dataset_given=settled.chosen.given,
        root=root,
        folds=_folds(dataset, name, request.folds),
        config_id=settled.config_id,
        metrics=settled.metrics,
        code=code,
    )


def settle(request: Request, catalog: Catalog) -> Settled:
    """Resolve a request without looking for its data. Raises ConfigError, UnknownName or DataError."""
    entry = catalog.get("methods", request.model)
    method: Method = entry.value
    chosen = make_dataset(request.dataset, catalog)
    name, dataset = chosen.entry.name, chosen.dataset

    given, changes = split_recipe(request.sets)
    known = options_of(method).model_fields
    defaults = {k: v for k, v in dataset.defaults.items() if k in known}
    own = method.options_for.get(name, {})
    options = resolve(method, given, {**defaults, **own})
    recipe = change_recipe(method.recipe_for.get(name, method.recipe), changes)
    recipe = replace(recipe, input=replace(recipe.input, size=input_size(recipe, options, catalog)))
    check_recipe(recipe, request.limit)
    check_targets(recipe, dataset, name)
    check_validation(request.validation, request.patience, recipe, trial=request.trial)
    also = {"validation": stated(request.validation, request.patience), "trial": request.trial}
    weights = {**_named(request.remembered, options), **request.weights}
    identity = config_id(entry.name, options, recipe, chosen, weights, request.limit, catalog, also)
    return Settled(entry, options, recipe, chosen, identity, registered(catalog), weights)


def _named(weights: Mapping[str, str], options: Mapping[str, Any]) -> dict[str, str]:
    """The weights of the backbones that a method's options name."""
    texts = [str(value) for name, value in options.items() if name == "backbone"] if weights else []
    named = {call.name for text in texts for call in spec.parse(text)}
    return {name: file for name, file in weights.items() if name in named}


def input_size(recipe: Recipe, options: Mapping[str, Any], catalog: Catalog) -> int:
    """The side of the frames in pixels; "backbone" asks what the chosen backbone takes.

    Raises ConfigError if that gives no number of pixels.
    """
    size = recipe.input.size
    if size == "backbone" and "backbone" in options:
        call = spec.parse_one(str(options["backbone"]))
        size = call.options.get("size", catalog.get("backbones", call.name).facts.get("size", size))
    if not isinstance(size, int) or size < 1:
        raise ConfigError(f"input.size is '{size}', not a number of pixels", "Use --set input.size=224.")
    return size


def _folds(dataset: Dataset, name: str, asked: Sequence[int] | None) -> tuple[int, ...]:
    if asked is None:
        return tuple(dataset.folds[:1])
    for fold in asked:
        if fold not in dataset.folds:
            raise UnknownName(f"fold of {name}", str(fold), map(str, dataset.folds))
    return tuple(asked) or tuple(dataset.folds)


def read_splits(plan: Plan, progress: Progress) -> dict[int, Split]:
    """Both splits of every fold asked for, checked. Raises DataError that names what is wrong."""
    plan.dataset.prepare(plan.root, progress)
    return {fold: _read_split(plan, fold) for fold in plan.folds}


def _read_split(plan: Plan, fold: int) -> Split:
    where = f"{plan.task.dataset}, fold {fold}"
    found: dict[str, list[Video]] = {}
    paths = []
    everything: dict[str, Sequence[Video]] = {}
    for split in ("train", "test"):
        videos = list(plan.dataset.videos(plan.root, fold, split))
        _check_videos(videos, f"{where}, {split}", plan)
        everything[split] = videos
        paths += [video.path for video in videos]
        found[split] = videos
    both = {v.id for v in found["train"]} & {v.id for v in found["test"]}
    if both:
        raise DataError(f"{where}: '{min(both)}' is in both train and test", "Fix the lists.")
    fingerprint = fingerprint_of(plan.task.classes, everything)
    # Held out before the limit: what a video of a trial is for does not depend on how many there are.
    held = hold_out(found["train"], plan.request.validation, where) if plan.request.validation else None
    if held is not None:
        found |= {"train": list(held.train), "validation": list(held.validation)}
    if plan.request.trial:
        del found["test"]
    used = {part: _limited(videos, plan.request.limit) for part, videos in found.items()}
    for part, videos in used.items():
        if not plan.request.skip_bad:
            _require_there(videos, f"{where}, {part}", plan)
    validation = used.get("validation", ())
    return Split(used["train"], used.get("test", validation), fingerprint, paths, validation, held)


def fingerprint_of(classes: Sequence[str], splits: Mapping[str, Sequence[Video]]) -> str:
    """The sha256 of all ids and labels of a fold: what a record says of its data."""
    lines = [
        line
        for split, videos in splits.items()
        for line in sorted(f"{split}\t{video.id}\t{classes[video.label]}" for video in videos)
    ]
    return hashlib.sha256("\n".join([*classes, *lines]).encode()).hexdigest()


def _check_videos(videos: Sequence[Video], where: str, plan: Plan) -> None:
    hint = plan.dataset.where or "Check --root."
    if not videos:
        raise DataError(f"{where}: there are no videos below {plan.root}", hint)
    seen: set[str] = set()
    for video in videos:
        if video.id in seen:
            raise DataError(f"{where}: the id '{video.id}' occurs twice", "Ids must be unique in a split.")
        if not 0 <= video.label < len(plan.task.classes):
            raise DataError(f"{where}: '{video.id}' has label {video.label}, out of range", hint)
        seen.add(video.id)


def _require_there(videos: Sequence[Video], where: str, plan: Plan) -> None:
    """Missing videos are told now, not when training comes to them. Raises DataError."""
    missing = [v for v in videos if not is_packed(v.path) and not os.path.exists(v.path)]  # noqa: PTH110
    if missing:
        raise DataError(
            f"{where}: {len(missing)} of {len(videos)} videos are not there, the first is {missing[0].path}",
            f'See dferbench data verify "{plan.request.dataset}", or add --skip-bad to leave them out.',
        )


def _limited(videos: list[Video], limit: int | None) -> list[Video]:
    """At most `limit` videos, taken evenly over the list, so that every class keeps its share."""
    if limit is None or limit >= len(videos):
        return videos
    return [videos[i * len(videos) // limit] for i in range(limit)]
