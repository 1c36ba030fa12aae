"""Checks before the first batch: a mistake costs seconds, not a night."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dferbench.data.pipeline import Pipeline, build_pipeline, try_out
from dferbench.errors import ConfigError
from dferbench.experiment.plan import Plan, Split
from dferbench.feature_cache.store import bound
from dferbench.models import Classifier
from dferbench.models.build import make_model, require_frozen
from dferbench.models.freezing import ever_trained
from dferbench.models.parts import Parts
from dferbench.registry.catalog import Catalog
from dferbench.training.batches import decoder_of
from dferbench.training.optimizers import make_optimizer
from dferbench.training.schedules import make_schedule, steps_per_epoch

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def rehearse(plan: Plan, catalog: Catalog, fabric: Fabric) -> Parts:
    """Build the model once and check the recipe against it, before any video is read; its parts.

    Raises ConfigError or DataError, or what the plugin raises.
    """
    pipeline = build_pipeline(plan.recipe.input, catalog)
    try_out(pipeline)
    bound()
    decoder_of(plan, catalog)
    for stage in plan.recipe.stages:
        make_schedule(stage, 1, catalog)
    parts = Parts(catalog, plan.request.weights)
    model = make_model(plan.method, plan.task, plan.options, parts, seed=0)
    fabric.to_device(model)
    require_mixes(model, pipeline)
    ever_trained(model, plan.recipe)
    for stage in plan.recipe.stages:
        make_optimizer(model, stage, catalog)
        require_frozen(model, plan.task, stage.name)
    return parts


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


def check_batches(plan: Plan, splits: Mapping[int, Split]) -> None:
    """Raise ConfigError for a stage whose batch cannot be filled from the training videos of a fold."""
    for fold, split in splits.items():
        for stage in plan.recipe.stages:
            if stage.epochs and not steps_per_epoch(len(split.train), stage):
                raise ConfigError(
                    f"stage '{stage.name}': no batch of {stage.batch} can be filled from the "
                    f"{len(split.train)} training videos of fold {fold}",
                    f"Use --set stage.batch={len(split.train)} or less, or --set stage.drop_last=false.",
                )
