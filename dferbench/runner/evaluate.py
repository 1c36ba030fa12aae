"""Testing a checkpoint on a dataset: runs without training, which leave records like any other."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dferbench.checkpoints.read import Checkpoint
from dferbench.checkpoints.restore import Opened, restore
from dferbench.checkpoints.trained_on import unseen_folds
from dferbench.data.decoders import Decoder
from dferbench.data.pipeline import Pipeline, build_pipeline
from dferbench.data.shared_classes import SHARED, SharedClasses, matched
from dferbench.errors import ConfigError
from dferbench.experiment.code import code_of
from dferbench.experiment.config_id import config_id
from dferbench.experiment.metrics import registered
from dferbench.experiment.plan import Plan, Request, Settled, Split, place, read_splits
from dferbench.experiment.record import Record
from dferbench.files import digest
from dferbench.machine.device import make_fabric, precision_for_tests
from dferbench.machine.numerics import fitted_to
from dferbench.progress import Progress
from dferbench.registry.catalog import Catalog
from dferbench.registry.datasets import make_dataset
from dferbench.runner.build import decoder_of
from dferbench.runner.finished import require_same_code
from dferbench.runner.runs import do_runs
from dferbench.training.batches import Feed, UnreadableVideos
from dferbench.training.room import ELSEWHERE
from dferbench.training.scoring import batch_of, predict
from dferbench.training.trial import room_for_tests

if TYPE_CHECKING:
    from lightning_fabric import Fabric

DIVERGED = "Its training diverged: use another checkpoint."


def plan_test(request: Request, checkpoint: Checkpoint, catalog: Catalog, *, shared: bool = False) -> Plan:
    """The plan of testing a checkpoint. Raises ConfigError, UnknownName or DataError.

    The config id covers the file and what its classes are called, so another file is another row. A dataset
    with classes that the checkpoint does not know is refused, or with `shared` tested on those that it does:
    that is another configuration, too.
    """
    chosen = make_dataset(request.dataset, catalog)
    header, method = checkpoint.header, checkpoint.method
    folds = unseen_folds(header, chosen.entry.name, request.folds, checkpoint.path)
    request = replace(request, folds=folds)
    known = tuple(matched(chosen.dataset.classes, header.classes))
    part = shared and 0 < len(known) < len(chosen.dataset.classes)
    if not part:
        columns_of(header.classes, chosen.dataset.classes, checkpoint.path)
    trained = digest([checkpoint.sha256, header.classes, *([SHARED, known] if part else [])])
    # Those of a run are the run's own; only what completes an official file can be another.
    weights = request.weights if checkpoint.missing else {}
    chosen_id = config_id(
        method.name,
        header.options,
        checkpoint.recipe,
        chosen,
        weights,
        request.limit,
        catalog,
        {"checkpoint": trained},
    )
    settled = Settled(method, header.options, checkpoint.recipe, chosen, chosen_id, registered(catalog))
    code = code_of(method, header.options, checkpoint.recipe, catalog, request.decoder, imported=True)
    plan = place(settled, replace(request, seeds=(header.seed,)), code)
    return _limited_to(known, plan) if part else plan


def _limited_to(classes: tuple[str, ...], plan: Plan) -> Plan:
    """The same plan for the videos of some classes."""
    task = replace(plan.task, classes=classes)
    return replace(plan, dataset=SharedClasses(plan.dataset, classes), task=task)


def columns_of(known: Sequence[str], wanted: Sequence[str], path: Path) -> list[int]:
    """Which logit stands for each wanted class, matched by name as `matched` does.

    Raises ConfigError for a class that the checkpoint does not know.
    """
    found = matched(wanted, known)
    for name in wanted:
        if name not in found:
            raise ConfigError(
                f"the dataset has the class '{name}', which {path} does not know",
                _about_classes(known, wanted),
            )
    return [known.index(found[name]) for name in wanted]


def _about_classes(known: Sequence[str], wanted: Sequence[str]) -> str:
    """The next step: other names help only where there are enough of them."""
    if len(known) < len(wanted):
        return f"Test it on a dataset of its {len(known)} classes: {', '.join(known)}."
    return f"Its classes are {', '.join(known)}; if an official file means others, --classes names them."


@dataclass(frozen=True)
class Tester:
    """All that tests of a checkpoint need but its model, checked before the first video."""

    plan: Plan
    checkpoint: Checkpoint
    catalog: Catalog
    progress: Progress
    pipeline: Pipeline
    fabric: Fabric
    precision: str
    decoder: Decoder
    splits: Mapping[int, Split]
    columns: Sequence[int]
    """Which logit stands for each class of the dataset."""

    def open(self) -> tuple[Opened, dict[str, Any]]:
        """The model, and what a record should note of how it is computed."""
        opened = restore(self.checkpoint, self.catalog, self.fabric, self.plan.request.weights)
        plain = fitted_to(self.plan.recipe.compute, opened.model, self.progress.say)
        changed = {} if self.precision == self.plan.recipe.precision else {"precision": self.precision}
        return opened, {**changed, **({"not compiled": plain} if plain else {})}

    @property
    def given(self) -> dict[str, str]:
        """What the user set, for records."""
        return {"checkpoint": self.checkpoint.path.name, **self.plan.request.sets}

    def said(self, opened: Opened, computed: Mapping[str, Any]) -> dict[str, Any]:
        """What the records of all tests of the model say of it, and of how it is `computed`."""
        return {
            "parameters": {"total": sum(p.numel() for p in opened.model.parameters()), "trained": 0},
            "weights": opened.weights,
            "notes": {**opened.model.notes, **self._about_columns(opened.classes), **computed},
        }

    def _about_columns(self, classes: Sequence[str]) -> dict[str, Any]:
        """What a reader should know if the logits are not those of the model as they came."""
        left_out = [name for i, name in enumerate(classes) if i not in self.columns]
        pairs = zip(self.plan.task.classes, (classes[i] for i in self.columns), strict=True)
        renamed = {ours: theirs for ours, theirs in pairs if ours != theirs}
        found: dict[str, Any] = (
            {"classes reordered": True} if list(self.columns) != sorted(self.columns) else {}
        )
        found |= {"classes left out": left_out} if left_out else {}
        return found | ({"classes of other names": renamed} if renamed else {})


def prepare(plan: Plan, checkpoint: Checkpoint, catalog: Catalog, progress: Progress) -> Tester:
    """Everything but the model. Raises ConfigError or DataError for what can be known before that is built,
    and says how videos are seen."""
    require_same_code(plan)
    pipeline = build_pipeline(plan.recipe.input, catalog)
    precision = precision_for_tests(plan.request.device, plan.recipe.precision)
    fabric = make_fabric(plan.request.device, precision, plan.recipe.compute)
    splits = read_splits(plan, progress)
    decoder = decoder_of(plan, catalog)
    columns = columns_of(checkpoint.header.classes, plan.task.classes, checkpoint.path)
    if precision != plan.recipe.precision:
        progress.say(f"precision: {precision}, for this device has no {plan.recipe.precision}")
    progress.say(f"input: {plan.recipe.input.sample}, by {checkpoint.input_from}")
    return Tester(plan, checkpoint, catalog, progress, pipeline, fabric, precision, decoder, splits, columns)


def measure(plan: Plan, checkpoint: Checkpoint, catalog: Catalog, progress: Progress) -> list[Record]:
    """Test the checkpoint in every run of the plan that has no finished record; return all records.

    Raises ConfigError or DataError for what can be known before the first video.
    """
    ready = prepare(plan, checkpoint, catalog, progress)
    # If every run is done, no model is needed.
    model = ready.open() if plan.unfinished else None

    def work(draft: Record, split: Split, folder: Path) -> dict[str, Any]:
        assert model is not None
        opened, computed = model
        unreadable = UnreadableVideos(plan.request.skip_bad)
        feed = Feed(plan, ready.decoder, ready.pipeline, ready.fabric, unreadable, progress)
        found = _test(feed, opened, ready.columns, split, folder)
        return found | ready.said(opened, computed)

    facts = {"given": ready.given, "checkpoint": checkpoint.facts}
    return do_runs(plan, ready.splits, ready.fabric, progress, work, facts)


def _test(feed: Feed, opened: Opened, columns: Sequence[int], split: Split, folder: Path) -> dict[str, Any]:
    """Run one test, write its predictions, and return what the record adds."""
    started, unreadable, model = time.monotonic(), feed.unreadable, opened.model
    batch = batch_of(opened.method.value.recipe.stages)
    with feed.open(split.test) as source, room_for_tests(model, source, batch, feed.fabric, ELSEWHERE):
        said = predict(model, source, batch, len(opened.classes), feed.fabric, feed.progress, DIVERGED)
    said = said.only(columns)
    said.save(folder)
    return {
        "confusion": said.confusion(),
        "top2": said.top2(),
        "decoders": dict(unreadable.decoders),
        "skipped": sorted(unreadable.skipped),
        "seconds": round(time.monotonic() - started, 3),
    }
