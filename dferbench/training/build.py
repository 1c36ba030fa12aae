"""Building a method's model, and proving before the first video that its recipe fits it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from lightning_fabric import Fabric

from dferbench.data import pipeline as pipelines
from dferbench.data.decoders import Decoder, choose_decoder
from dferbench.data.pipeline import Pipeline, build_pipeline
from dferbench.errors import ConfigError
from dferbench.experiment.plan import Plan
from dferbench.feature_cache.key import seen_by
from dferbench.feature_cache.store import bound
from dferbench.machine.seeds import seed_everything
from dferbench.models import Classifier
from dferbench.models.parts import Parts
from dferbench.registry.catalog import Catalog, Entry
from dferbench.training.optimizers import make_optimizer, make_schedule, parameter_groups
from dferbench.types import Recipe, Task


@dataclass(frozen=True)
class Built:
    """A model on its device with what feeds it, and what the record says about it."""

    model: Classifier
    decoder: Decoder
    pipeline: Pipeline
    ever_trained: set[str]
    parameters: dict[str, int]
    weights: dict[str, dict[str, Any]]
    seen: dict[str, Any]
    """What `encode`'s output depends on, for features that are shared; empty if they are not."""


def build_model(plan: Plan, catalog: Catalog, fabric: Fabric, seed: int) -> Built:
    """Build the plan's model from a seed. Raises ConfigError, DataError, or what the plugin raises."""
    parts = Parts(catalog, plan.request.weights)
    model = make_model(plan.method, plan.task, plan.options, parts, seed)
    trained = ever_trained(model, plan.recipe)
    sizes = {name: p.numel() for name, p in model.named_parameters()}
    counts = {"total": sum(sizes.values()), "trained": sum(sizes[name] for name in trained)}
    seen = seen_by(model, parts, catalog)
    fabric.to_device(model)
    pipeline = build_pipeline(plan.recipe.input, catalog)
    return Built(model, decoder_of(plan, catalog), pipeline, trained, counts, parts.used, seen)


def decoder_of(plan: Plan, catalog: Catalog) -> Decoder:
    """What reads the plan's videos. Raises UnknownName or ConfigError."""
    readers = {name: entry.value for name, entry in catalog.entries["decoders"].items()}
    return choose_decoder(plan.request.decoder, readers)


def make_model(method: Entry, task: Task, options: Mapping[str, Any], parts: Parts, seed: int) -> Classifier:
    """What the method builds, with everything random drawn from the seed. Raises ConfigError or DataError."""
    seed_everything(seed, "build")
    model = method.value.build(task, parts, **options)
    if not isinstance(model, Classifier):
        raise ConfigError(
            f"{method.name} built a {type(model).__name__}, not a dferbench.models.Classifier",
            f"Mend the plugin {method.origin}.",
        )
    return model


def ever_trained(model: Classifier, recipe: Recipe) -> set[str]:
    """The names of the parameters that learn in any stage. Raises ConfigError for a pattern without match."""
    names: set[str] = set()
    for stage in recipe.stages:
        parameter_groups(model, stage)
        names |= {name for name, p in model.named_parameters() if p.requires_grad}
    return names


def rehearse(plan: Plan, catalog: Catalog, fabric: Fabric) -> None:
    """Build once and check the recipe against the model, before any data is touched.

    Raises ConfigError: a typo costs seconds, not a night.
    """
    pipelines.rehearse(build_pipeline(plan.recipe.input, catalog))
    bound()
    built = build_model(plan, catalog, fabric, seed=0)
    model = built.model
    require_mixes(model, built.pipeline)
    for stage in plan.recipe.stages:
        make_schedule(make_optimizer(model, stage), stage)
        require_frozen(model, plan.task, stage.name)


def require_mixes(model: Classifier, pipeline: Pipeline) -> None:
    """A recipe that mixes the videos of a batch needs a loss that takes what their labels become, and
    features that are computed anew each time. Raises ConfigError."""
    if not pipeline.mixing:
        return
    text, relabels = pipeline.input.augment, any(op.relabels for op in pipeline.mixing)
    if relabels and type(model).loss is not Classifier.loss and not type(model).mixes:
        raise ConfigError(
            f"input.augment is '{text}', which mixes videos, and the loss of {type(model).__name__} takes "
            "single labels only",
            "Leave the mixing out; a method that does its own has options for it: see dferbench show METHOD.",
        )
    if pipeline.input.draws and type(model).encode is not Classifier.encode:
        raise ConfigError(
            f"input.augment is '{text}', which changes every batch anew, and input.draws is "
            f"{pipeline.input.draws}, which keeps them",
            "Use --set input.draws=0, or leave the mixing out.",
        )


def require_frozen(model: Classifier, task: Task, stage: str) -> None:
    """Prove that `encode` holds nothing that learns in the current stage, so remembering it is legal.

    Raises ConfigError.
    """
    if type(model).encode is Classifier.encode:
        return
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    video = torch.rand(1, task.frames, 3, task.size, task.size, device=device)
    if model.eval().encode(video).requires_grad:
        raise ConfigError(
            f"stage '{stage}' trains something inside encode(), which must never learn",
            "Move it to forward(), or freeze it.",
        )
