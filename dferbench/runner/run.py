"""A run: every cell of a plan is trained and tested, and leaves a record and a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric

from dferbench.experiment.plan import Plan, Split, read_splits
from dferbench.experiment.record import Record
from dferbench.machine.device import make_fabric
from dferbench.progress import Progress
from dferbench.registry.catalog import Catalog
from dferbench.runner.runs import do_runs
from dferbench.training.build import build_model, rehearse
from dferbench.training.trainer import save_learned, train_run


def run(plan: Plan, catalog: Catalog, progress: Progress) -> list[Record]:
    """Run what has no finished record yet and return the records of all cells, in the plan's order.

    A cell that fails is recorded as failed and the others go on. Raises ConfigError or DataError for what
    can be known before any cell starts, and whatever a user's interruption raises.
    """
    fabric = make_fabric(plan.request.device, plan.recipe.precision)
    if any(plan.finished(*cell) is None for cell in plan.runs):
        rehearse(plan, catalog, fabric)
    return run_all(plan, read_splits(plan, progress), catalog, fabric, progress)


def run_all(
    plan: Plan, splits: Mapping[int, Split], catalog: Catalog, fabric: Fabric, progress: Progress
) -> list[Record]:
    """The same for a plan that was rehearsed and whose splits were read."""

    def work(draft: Record, split: Split, folder: Path) -> dict[str, Any]:
        built = build_model(plan, catalog, fabric, draft.seed)
        result = train_run(plan, built, split, fabric, folder, draft.seed, progress)
        facts = {"parameters": built.parameters, "weights": built.weights, "notes": dict(built.model.notes)}
        save_learned(built, draft.model_copy(update={**facts, **result}), folder)
        return facts | result

    return do_runs(plan, splits, fabric, progress, work)
