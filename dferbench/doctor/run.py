"""Whether a run could begin: its names, data, weights, texts, batches and folders, before anything trains.

The checks are those that a run itself goes through (`dferbench.runner.preflight`), each tried and told.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from dferbench.doctor.finding import Finding, tried
from dferbench.doctor.writable import writable
from dferbench.experiment.plan import Plan, Request, Settled, Split, make_plan, read_splits, settle
from dferbench.models.texts import class_texts
from dferbench.progress import Progress
from dferbench.registry.catalog import Catalog
from dferbench.types import Stage

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def readiness(request: Request, catalog: Catalog) -> Iterator[Finding]:
    """Every finding about the run that was asked for; what hangs on something that fails is left out."""
    settled: list[Settled] = []
    yield tried("method and options", "See dferbench show.", partial(_settle, request, catalog, settled))
    if not settled:
        return
    plans: list[Plan] = []
    yield tried("dataset root", "Use --root DIR.", partial(_place, request, catalog, plans))
    if not plans:
        return
    yield from _plan(plans[0], catalog)


def _plan(plan: Plan, catalog: Catalog) -> Iterator[Finding]:
    folder = plan.request.output / plan.task.dataset
    yield writable("output", folder, "Use --output DIR, a folder that you may write.")
    yield tried("earlier runs", "", partial(_earlier, plan))
    if plan.request.trackers:
        yield tried("trackers", "See dferbench list trackers.", partial(_trackers, plan, catalog))
    yield from _videos(plan, catalog)
    if plan.options.get("text"):  # empty: the method chooses, and building it tells
        yield tried("class texts", "Use --set text=class-names.", partial(_texts, plan))
    built: list[Any] = []
    yield tried("device and recipe", "See dferbench show.", partial(_recipe, plan, catalog, built))
    if built:
        yield tried("weights and model", "See dferbench show.", partial(_model, plan, catalog, *built))


def _videos(plan: Plan, catalog: Catalog) -> Iterator[Finding]:
    splits: dict[int, Split] = {}
    hint = f"See dferbench data verify {plan.task.dataset}."
    yield tried("lists", hint, partial(_lists, plan, splits))
    for fold, split in splits.items():
        yield tried(f"video of fold {fold}", hint, partial(_video, plan, catalog, split))
        for stage in plan.recipe.stages:
            check = partial(_batches, plan, stage, fold, split)
            yield tried(f"batches of fold {fold}, stage {stage.name}", "", check)


def _settle(request: Request, catalog: Catalog, settled: list[Settled]) -> str:
    settled.append(settle(request, catalog))
    return f"{settled[0].method.name} on {settled[0].chosen.entry.name}, config id {settled[0].config_id}"


def _place(request: Request, catalog: Catalog, plans: list[Plan]) -> str:
    plans.append(make_plan(request, catalog))
    return str(plans[0].root)


def _earlier(plan: Plan) -> str:
    """Damaged records, and runs whose code has changed since, are met when a run is about to begin."""
    from dferbench.runner.finished import require_same_code

    require_same_code(plan)
    done = sum(plan.finished(*run) is not None for run in plan.runs)
    return f"{done} of {len(plan.runs)} runs done"


def _trackers(plan: Plan, catalog: Catalog) -> str:
    from dferbench.trackers.choose import make_observers

    make_observers(plan.request.trackers, catalog, Progress())
    return ", ".join(plan.request.trackers)


def _lists(plan: Plan, splits: dict[int, Split]) -> str:
    splits.update(read_splits(plan, Progress()))
    counts = (f"fold {k}: {len(s.train)} train, {len(s.test)} test videos" for k, s in splits.items())
    return "; ".join(counts)


def _video(plan: Plan, catalog: Catalog, split: Split) -> str:
    """One video stands for all: that every one can be read is what `data verify --deep` tells."""
    from dferbench.runner.build import decoder_of

    first = (split.train or split.test)[0]
    frames, used = decoder_of(plan, catalog).read(first.path, [0])
    height, width = frames[0].shape[:2]
    return f"{first.id}, {width} x {height} pixels, by {used}"


def _batches(plan: Plan, stage: Stage, fold: int, split: Split) -> str:
    from dferbench.runner.preflight import require_batches
    from dferbench.training.schedules import steps_per_epoch

    require_batches(stage, fold, split)
    return f"{steps_per_epoch(len(split.train), stage)} of up to {stage.batch} videos"


def _texts(plan: Plan) -> str:
    source = str(plan.options["text"])
    return f"{source}: one for each of {len(class_texts(source, plan.task.classes))} classes"


def _recipe(plan: Plan, catalog: Catalog, built: list[Any]) -> str:
    from dferbench.runner.preflight import check_numbers, leading

    fabric = leading(plan)
    built += [fabric, check_numbers(plan, catalog)]
    input = plan.recipe.input
    return f"{plan.recipe.precision} on {fabric.device}, {input.frames} frames of {input.size} pixels"


def _model(plan: Plan, catalog: Catalog, fabric: Fabric, pipeline: Any) -> str:
    from dferbench.runner.preflight import check_model

    check_model(plan, catalog, fabric, pipeline).require_used()
    given = ", ".join(plan.request.weights) or "the method's own"
    return f"the model is built, takes the input, and the recipe fits it (weights: {given})"
