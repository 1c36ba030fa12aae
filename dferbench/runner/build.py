"""The model of a run: built on its device, with what reads its videos, and kept in its checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dferbench.checkpoints.format import SCHEMA, Header, write_checkpoint
from dferbench.data.decoders import Decoder, choose_decoder
from dferbench.data.pipeline import build_pipeline
from dferbench.experiment.plan import Plan
from dferbench.experiment.record import CHECKPOINT, Record
from dferbench.feature_cache.key import seen_by
from dferbench.models.build import make_model
from dferbench.models.freezing import ever_trained
from dferbench.models.parts import Parts
from dferbench.registry.catalog import Catalog
from dferbench.training import resume
from dferbench.training.trainer import Built

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def decoder_of(plan: Plan, catalog: Catalog) -> Decoder:
    """What reads the plan's videos. Raises UnknownName or ConfigError."""
    return choose_decoder(plan.request.decoder, catalog.builds("decoders"))


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


def save_checkpoint(built: Built, record: Record, folder: Path) -> Path:
    """Write a run's checkpoint and return its path: the trained tensors, and in its header what it takes to
    build the rest of the model again.

    Raises DferbenchError if it cannot be written.
    """
    header = Header(
        schema=SCHEMA,
        method=record.method,
        options=record.options,
        classes=record.classes,
        input=record.recipe["input"],
        precision=record.recipe["precision"],
        holds="learned",
        dataset=record.dataset,
        fold=record.fold,
        seed=record.seed,
        config_id=record.config_id,
        weights=record.weights,
        caveats=list(record.caveats),
    )
    path = folder / CHECKPOINT
    write_checkpoint(path, resume.learned(built.model, built.ever_trained), header)
    return path
