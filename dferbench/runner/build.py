"""A model on its device, with what reads its videos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dferbench.data.pipeline import build_pipeline
from dferbench.experiment.plan import Plan
from dferbench.feature_cache.key import seen_by
from dferbench.models.build import make_model
from dferbench.models.freezing import ever_trained
from dferbench.models.parts import Parts
from dferbench.registry.catalog import Catalog
from dferbench.training.batches import decoder_of
from dferbench.training.trainer import Built

if TYPE_CHECKING:
    from lightning_fabric import Fabric


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
