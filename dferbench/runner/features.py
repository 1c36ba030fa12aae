"""Which model gives features: one of a checkpoint, or a method's as it stands before training."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import dferbench
from dferbench.checkpoints.read import Checkpoint
from dferbench.checkpoints.restore import START, restore
from dferbench.data.pipeline import build_pipeline
from dferbench.errors import ConfigError, UnknownName
from dferbench.experiment.metrics import registered
from dferbench.experiment.plan import Plan, Request, Settled, make_plan, place, read_splits
from dferbench.feature_cache.key import seen_by
from dferbench.inference.features import PARTS, Features, FeatureSource, extract
from dferbench.machine.device import device_name, make_fabric, precision_for_tests
from dferbench.models import Classifier
from dferbench.models.build import make_model
from dferbench.models.parts import Parts
from dferbench.progress import Progress
from dferbench.registry.catalog import Catalog
from dferbench.registry.datasets import make_dataset
from dferbench.runner.build import decoder_of
from dferbench.training.batches import Feed, UnreadableVideos
from dferbench.training.scoring import batch_of

if TYPE_CHECKING:
    from lightning_fabric import Fabric

UNTRAINED = "random weights"
"""Which fraction of the parameters that the features depend on no file gave."""


def features(
    request: Request,
    checkpoint: Checkpoint | None,
    part: str,
    level: str,
    catalog: Catalog,
    progress: Progress,
) -> Features:
    """The features of one fold's videos, and what made them: the model of a checkpoint, or without one the
    request's method before its training.

    Raises UnknownName or ConfigError for what cannot be asked for, DataError for what cannot be read.
    """
    if part not in PARTS:
        raise UnknownName("part of a split", part, PARTS)
    plan = _plan(request, checkpoint, catalog)
    if len(plan.folds) > 1:
        raise ConfigError(f"features are of one fold, got the folds {plan.folds}", "Give one: --fold 1.")
    precision = precision_for_tests(request.device, plan.recipe.precision)
    fabric = make_fabric(request.device, precision, plan.recipe.compute)
    if checkpoint is None:
        made = _untrained(plan, catalog, fabric)
    else:
        made = _trained(checkpoint, plan, catalog, fabric)
    unreadable = UnreadableVideos(request.skip_bad)
    pipeline, decoder = build_pipeline(plan.recipe.input, catalog), decoder_of(plan, catalog)
    feed = Feed(plan, decoder, pipeline, fabric, unreadable, progress, made.seen)
    batch = batch_of(plan.method.value.recipe.stages)
    source = FeatureSource(made.model, made.classes, feed, made.loaded, batch)
    split = read_splits(plan, progress)[plan.folds[0]]
    found, tap, drawn = extract(source, split, part, level)
    about = {
        **_about(plan, feed, part),
        **made.facts,
        "random backbones": sorted(n for n, used in made.facts["weights"].items() if used.get("random")),
        "level": level,
        "taken at": tap.words,
        UNTRAINED: round(drawn, 6),
        "skipped": sorted(unreadable.skipped),
    }
    return replace(found, about=about)


def _plan(request: Request, checkpoint: Checkpoint | None, catalog: Catalog) -> Plan:
    """The fold is the one that the checkpoint was trained on, if it was trained on this dataset."""
    if checkpoint is None:
        return make_plan(request, catalog)
    header = checkpoint.header
    chosen = make_dataset(request.dataset, catalog)
    if request.folds is None and header.dataset == chosen.entry.name and header.fold is not None:
        request = replace(request, folds=(header.fold,))
    recipe, method = checkpoint.recipe, checkpoint.method
    return place(
        Settled(method, header.options, recipe, chosen, header.config_id, registered(catalog)), request
    )


@dataclass(frozen=True)
class _Model:
    """A model on its device, what is known of it, the ids of its parameters that files gave, and what its
    features on disk depend on."""

    model: Classifier
    classes: int
    facts: dict[str, Any]
    loaded: set[int]
    seen: dict[str, Any]


def _untrained(plan: Plan, catalog: Catalog, fabric: Fabric) -> _Model:
    parts = Parts(catalog, plan.request.weights)
    model = make_model(plan.method, plan.task, plan.options, parts, plan.request.seeds[0])
    parts.require_used()
    from_files = [one for one in parts.backbones.values() if not one.origin.random]
    if plan.options.get(START):
        from_files.append(model)
    loaded = {id(p) for one in from_files for p in one.parameters()}
    facts: dict[str, Any] = {"checkpoint": None, "trained": False, "weights": parts.used, "caveats": []}
    seen = seen_by(model, parts, catalog)
    fabric.to_device(model)
    return _Model(model, len(plan.task.classes), facts, loaded, seen)


def _trained(checkpoint: Checkpoint, plan: Plan, catalog: Catalog, fabric: Fabric) -> _Model:
    opened = restore(checkpoint, catalog, fabric, plan.request.weights)
    caveats = list(opened.facts["caveats"])
    facts = {"checkpoint": dict(opened.facts), "trained": True, "weights": opened.weights, "caveats": caveats}
    return _Model(opened.model, len(opened.classes), facts, {id(p) for p in opened.model.parameters()}, {})


def _about(plan: Plan, feed: Feed, part: str) -> dict[str, Any]:
    return {
        "schema": 1,
        "dferbench": dferbench.__version__,
        "method": plan.method.name,
        "options": plan.options,
        "config id": plan.config_id,
        "seed": plan.request.seeds[0],
        "dataset": plan.task.dataset,
        "dataset options": plan.dataset_options,
        "drawn data": bool(plan.dataset.synthetic),
        "fold": plan.folds[0],
        "part": part,
        "limit": plan.request.limit,
        "input": asdict(plan.recipe.input),
        "precision": plan.recipe.precision,
        "device": device_name(feed.fabric),
    }
