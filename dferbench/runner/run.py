"""From a plan to its records: every fold and seed is trained and tested, and leaves a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dferbench.experiment.plan import Plan, Split, read_splits
from dferbench.experiment.record import Record
from dferbench.machine.numerics import compute_by, fitted_to
from dferbench.progress import Progress
from dferbench.registry.catalog import Catalog
from dferbench.runner.build import build_model, save_checkpoint
from dferbench.runner.crew import crew
from dferbench.runner.finished import require_same_code
from dferbench.runner.preflight import check_batches, leading, rehearse
from dferbench.runner.runs import do_runs
from dferbench.trackers.choose import make_observers
from dferbench.training.observer import Observers
from dferbench.training.trainer import RunContext, train_run

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def run(plan: Plan, catalog: Catalog, progress: Progress) -> list[Record]:
    """Run what has no finished record yet and return the records of all runs, in the plan's order.

    A run that fails is recorded as failed and the others continue. The request's trackers follow them.
    Raises ConfigError or DataError for what can be known before any run starts, and whatever a user's
    interruption raises.
    """
    observers = make_observers(plan.request.trackers, catalog, progress)
    fabric, splits = checked(plan, catalog, progress)
    return run_all(plan, splits, catalog, fabric, progress, observers)


def checked(plan: Plan, catalog: Catalog, progress: Progress) -> tuple[Fabric, dict[int, Split]]:
    """Raise ConfigError or DataError for what can be known before any run starts; what it starts with."""
    fabric = leading(plan)
    require_same_code(plan)
    if plan.unfinished:
        rehearse(plan, catalog, fabric).require_used()
    splits = read_splits(plan, progress)
    check_batches(plan, splits)
    return fabric, splits


def run_all(
    plan: Plan,
    splits: Mapping[int, Split],
    catalog: Catalog,
    fabric: Fabric,
    progress: Progress,
    observers: Observers,
) -> list[Record]:
    """The same for a plan that was rehearsed and whose splits were read and checked; `observers` follow."""
    compute_by(plan.recipe.compute)  # of several rows, the one whose device was made last has set it

    def work(draft: Record, split: Split, folder: Path) -> dict[str, Any]:
        with crew(plan, draft, folder, catalog, fabric, progress) as (own, team):
            built = build_model(plan, catalog, own, draft.seed)
            plain = fitted_to(plan.recipe.compute, built.model, progress.say)
            facts: dict[str, Any] = {"parameters": built.parameters, "weights": built.weights}
            facts["notes"] = {**draft.notes, **built.model.notes}
            facts["environment"] = draft.environment | team.facts
            draft = draft.model_copy(update=facts)
            context = RunContext(catalog, own, progress, observers, team)
            result = train_run(plan, built, split, draft, folder, context)
        facts["environment"] = draft.environment | team.facts
        if not draft.trial:  # of a search a table is wanted, and not a disk full of models
            path = save_checkpoint(built, draft.model_copy(update=result), folder)
            observers.checkpoint_saved(path)
        if plain:  # what could not be compiled is known once it was tried
            facts["notes"] = facts["notes"] | {"not compiled": plain}
        return facts | result

    return do_runs(plan, splits, fabric, progress, work, observers=observers)
