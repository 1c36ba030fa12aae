"""Whether a run could begin: its names, data, weights, texts, batches and folders, before anything trains."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dferbench.doctor.finding import Finding, tried
from dferbench.doctor.writable import writable
from dferbench.experiment.plan import Plan, Request, Settled, Split, place, read_splits, settle
from dferbench.models.texts import class_texts
from dferbench.progress import Progress
from dferbench.registry.catalog import Catalog
from dferbench.types import Stage


def readiness(request: Request, catalog: Catalog) -> Iterator[Finding]:
    """Every finding about the run that was asked for; what hangs on something that fails is left out."""
    settled: list[Settled] = []
    yield tried("method and options", "See dferbench show.", partial(_settle, request, catalog, settled))
    if not settled:
        return
    plans: list[Plan] = []
    yield tried("dataset root", "Use --root DIR.", partial(_place, request, settled[0], plans))
    if not plans:
        return
    yield from _plan(plans[0], catalog)


def _plan(plan: Plan, catalog: Catalog) -> Iterator[Finding]:
    splits: dict[int, Split] = {}
    hint = f"See dferbench data verify {plan.task.dataset}."
    yield tried("lists", hint, partial(_lists, plan, splits))
    for fold, split in splits.items():
        yield tried(f"video of fold {fold}", hint, partial(_video, plan, catalog, split))
        for stage in plan.recipe.stages:
            check = partial(_batches, plan, stage, fold, split)
            yield tried(f"batches of fold {fold}, stage {stage.name}", "", check)
    if plan.options.get("text"):  # empty: the method chooses, and building it tells
        yield tried("class texts", "Use --set text=class-names.", partial(_texts, plan))
    yield tried("weights and model", "See dferbench show.", partial(_model, plan, catalog))
    folder = plan.request.output / plan.task.dataset
    yield writable("output", folder, "Use --output DIR, a folder that you may write.")


def _settle(request: Request, catalog: Catalog, settled: list[Settled]) -> str:
    settled.append(settle(request, catalog))
    return f"{settled[0].method.name} on {settled[0].chosen.entry.name}, config id {settled[0].config_id}"


def _place(request: Request, settled: Settled, plans: list[Plan]) -> str:
    plans.append(place(settled, request))
    return str(plans[0].root)


def _lists(plan: Plan, splits: dict[int, Split]) -> str:
    splits.update(read_splits(plan, Progress()))
    counts = (f"fold {k}: {len(s.train)} train, {len(s.test)} test videos" for k, s in splits.items())
    return "; ".join(counts)


def _video(plan: Plan, catalog: Catalog, split: Split) -> str:
    """One video stands for all: that every one can be read is what `data verify --deep` tells."""
    from dferbench.training.batches import decoder_of

    first = (split.train or split.test)[0]
    frames, used = decoder_of(plan, catalog).read(first.path, [0])
    height, width = frames[0].shape[:2]
    return f"{first.id}, {width} x {height} pixels, by {used}"


def _batches(plan: Plan, stage: Stage, fold: int, split: Split) -> str:
    from dferbench.runner.preflight import check_batches
    from dferbench.training.schedules import steps_per_epoch

    check_batches(plan, {fold: split})
    return f"{steps_per_epoch(len(split.train), stage)} of up to {stage.batch} videos"


def _texts(plan: Plan) -> str:
    source = str(plan.options["text"])
    return f"{source}: one for each of {len(class_texts(source, plan.task.classes))} classes"


def _model(plan: Plan, catalog: Catalog) -> str:
    from dferbench.machine.device import make_fabric
    from dferbench.runner.preflight import rehearse

    rehearse(plan, catalog, make_fabric(plan.request.device, plan.recipe.precision))
    given = ", ".join(plan.request.weights) or "the method's own"
    return f"the model is built and the recipe fits it (weights: {given})"
