"""Testing a checkpoint on a dataset: runs without training, which leave records like any other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dferbench.checkpoints.read import Checkpoint
from dferbench.checkpoints.restore import Opened, restore
from dferbench.checkpoints.trained_on import unseen_folds
from dferbench.data.pipeline import build_pipeline
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
from dferbench.runner.finished import require_same_code
from dferbench.runner.runs import do_runs
from dferbench.training.batches import Feed, UnreadableVideos, decoder_of
from dferbench.training.room import ELSEWHERE
from dferbench.training.scoring import batch_of, predict
from dferbench.training.trial import room_for_tests

if TYPE_CHECKING:
    from lightning_fabric import Fabric

DIVERGED = "Its training diverged: use another checkpoint."


def plan_test(request: Request, checkpoint: Checkpoint, catalog: Catalog) -> Plan:
    """The plan of testing a checkpoint. Raises ConfigError, UnknownName or DataError.

    The config id covers the file and what its classes are called, so another file is another row.
    """
    chosen = make_dataset(request.dataset, catalog)
    header, method = checkpoint.header, checkpoint.method
    folds = unseen_folds(header, chosen.entry.name, request.folds, checkpoint.path)
    request = replace(request, folds=folds)
    columns_of(header.classes, chosen.dataset.classes, checkpoint.path)
    trained = digest([checkpoint.sha256, header.classes])
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
    return place(settled, replace(request, seeds=(header.seed,)), code)


def columns_of(known: Sequence[str], wanted: Sequence[str], path: Path) -> list[int]:
    """Which logit stands for each wanted class, matched by name.

    Raises ConfigError for a class that the checkpoint does not know.
    """
    for name in wanted:
        if name not in known:
            raise ConfigError(
                f"the dataset has the class '{name}', which {path} does not know",
                _about_classes(known, wanted),
            )
    return [known.index(name) for name in wanted]


def _about_classes(known: Sequence[str], wanted: Sequence[str]) -> str:
    """The next step: other names help only where there are enough of them."""
    if len(known) < len(wanted):
        return f"Test it on a dataset of its {len(known)} classes: {', '.join(known)}."
    return f"Its classes are {', '.join(known)}; if an official file means others, --classes names them."


def measure(plan: Plan, checkpoint: Checkpoint, catalog: Catalog, progress: Progress) -> list[Record]:
    """Test the checkpoint in every run of the plan that has no finished record; return all records.

    Raises ConfigError or DataError for what can be known before the first video.
    """
    require_same_code(plan)
    pipeline = build_pipeline(plan.recipe.input, catalog)
    precision = precision_for_tests(plan.request.device, plan.recipe.precision)
    fabric = make_fabric(plan.request.device, precision, plan.recipe.compute)
    splits = read_splits(plan, progress)
    opened = _open(plan, checkpoint, catalog, fabric)
    plain = [] if opened is None else fitted_to(plan.recipe.compute, opened.model, progress.say)
    decoder = decoder_of(plan, catalog)
    columns = columns_of(checkpoint.header.classes, plan.task.classes, checkpoint.path)

    def work(draft: Record, split: Split, folder: Path) -> dict[str, Any]:
        assert opened is not None
        feed = Feed(plan, decoder, pipeline, fabric, UnreadableVideos(plan.request.skip_bad), progress)
        found = _test(feed, opened, columns, split, folder)
        changed: dict[str, Any] = {} if precision == plan.recipe.precision else {"precision": precision}
        changed |= {"not compiled": plain} if plain else {}
        return found | {"notes": found["notes"] | changed}

    if precision != plan.recipe.precision:
        progress.say(f"precision: {precision}, for this device has no {plan.recipe.precision}")
    progress.say(f"input: {plan.recipe.input.sample}, by {checkpoint.input_from}")
    given = {"checkpoint": checkpoint.path.name, **plan.request.sets}
    return do_runs(plan, splits, fabric, progress, work, {"given": given, "checkpoint": checkpoint.facts})


def _open(plan: Plan, checkpoint: Checkpoint, catalog: Catalog, fabric: Fabric) -> Opened | None:
    """The model, or None if every run is done and none is needed."""
    if not plan.unfinished:
        return None
    return restore(checkpoint, catalog, fabric, plan.request.weights)


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
        "parameters": {"total": sum(p.numel() for p in model.parameters()), "trained": 0},
        "weights": opened.weights,
        "notes": {**model.notes, **_about_columns(columns, opened.classes)},
        "decoders": dict(unreadable.decoders),
        "skipped": sorted(unreadable.skipped),
        "seconds": round(time.monotonic() - started, 3),
    }


def _about_columns(columns: Sequence[int], classes: Sequence[str]) -> dict[str, Any]:
    """What a reader should know if the logits are not those of the model as they came."""
    left_out = [name for i, name in enumerate(classes) if i not in columns]
    reordered = {"classes reordered": True} if list(columns) != sorted(columns) else {}
    return reordered | ({"classes left out": left_out} if left_out else {})
