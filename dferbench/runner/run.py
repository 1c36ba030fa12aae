"""From a plan to its records: every fold and seed is trained and tested, and leaves a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dferbench.checkpoints.format import SCHEMA, Header, write_checkpoint
from dferbench.data.pipeline import build_pipeline
from dferbench.experiment.plan import Plan, Split, read_splits
from dferbench.experiment.record import CHECKPOINT, Record
from dferbench.feature_cache.key import seen_by
from dferbench.machine.device import make_fabric
from dferbench.models.build import make_model
from dferbench.models.freezing import ever_trained
from dferbench.models.parts import Parts
from dferbench.progress import Progress
from dferbench.registry.catalog import Catalog
from dferbench.runner.finished import require_same_code
from dferbench.runner.preflight import check_batches, rehearse
from dferbench.runner.runs import do_runs
from dferbench.trackers.choose import make_observers
from dferbench.training import resume
from dferbench.training.batches import decoder_of
from dferbench.training.observer import Observers
from dferbench.training.trainer import Built, RunContext, train_run

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def run(plan: Plan, catalog: Catalog, progress: Progress) -> list[Record]:
    """Run what has no finished record yet and return the records of all runs, in the plan's order.

    A run that fails is recorded as failed and the others continue. The request's trackers follow them.
    Raises ConfigError or DataError for what can be known before any run starts, and whatever a user's
    interruption raises.
    """
    observers = make_observers(plan.request.trackers, catalog, progress)
    fabric = make_fabric(plan.request.device, plan.recipe.precision)
    require_same_code(plan)
    if plan.unfinished:
        rehearse(plan, catalog, fabric).require_used()
    splits = read_splits(plan, progress)
    check_batches(plan, splits)
    return run_all(plan, splits, catalog, fabric, progress, observers)


def run_all(
    plan: Plan,
    splits: Mapping[int, Split],
    catalog: Catalog,
    fabric: Fabric,
    progress: Progress,
    observers: Observers,
) -> list[Record]:
    """The same for a plan that was rehearsed and whose splits were read and checked; `observers` follow."""
    context = RunContext(catalog, fabric, progress, observers)

    def work(draft: Record, split: Split, folder: Path) -> dict[str, Any]:
        built = build_model(plan, catalog, fabric, draft.seed)
        facts = {"parameters": built.parameters, "weights": built.weights, "notes": dict(built.model.notes)}
        draft = draft.model_copy(update=facts)
        result = train_run(plan, built, split, draft, folder, context)
        path = save_checkpoint(built, draft.model_copy(update=result), folder)
        context.observers.checkpoint_saved(path)
        return facts | result

    return do_runs(plan, splits, fabric, progress, work, observers=context.observers)


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
