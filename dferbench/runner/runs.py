"""The runs of a plan, one after another, each leaving a record; what is done is not done again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from dferbench.data.packs.dataset import REENCODED
from dferbench.errors import ConfigError, DferbenchError
from dferbench.experiment import record as records
from dferbench.experiment.metrics import Metrics
from dferbench.experiment.plan import Plan, Split
from dferbench.experiment.record import Record
from dferbench.machine.environment import environment
from dferbench.places import is_made
from dferbench.progress import Progress
from dferbench.training.observer import Observers

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Work: TypeAlias = "Callable[[Record, Split, Path], dict[str, Any]]"
"""work(draft, split, folder) does a run, leaves its files in the folder, and returns what the record adds."""


def do_runs(
    plan: Plan,
    splits: Mapping[int, Split],
    fabric: Fabric,
    progress: Progress,
    work: Work,
    more: Mapping[str, Any] | None = None,
    observers: Observers | None = None,
) -> list[Record]:
    """Do what has no finished record yet and return the records of all runs, in the plan's order.

    `more` is what every record says from the start; `observers` are told how each run ends. A run that fails
    is recorded as failed and the others continue. Raises ConfigError for a run that was made with other
    data, and whatever an interruption raises.
    """
    told = observers or Observers()
    return [_do(plan, one, splits[one[0]], fabric, progress, work, more or {}, told) for one in plan.runs]


def _do(
    plan: Plan,
    run: tuple[int, int],
    split: Split,
    fabric: Fabric,
    progress: Progress,
    work: Work,
    more: Mapping[str, Any],
    observers: Observers,
) -> Record:
    folder = plan.folder(*run)
    _check_same_data(folder, split, plan)
    if done := plan.finished(*run):
        progress.say(f"fold {run[0]} seed {run[1]}: already done, {folder}")
        return done
    if plan.request.force:
        shutil.rmtree(folder, ignore_errors=True)
    progress.say(f"fold {run[0]} seed {run[1]}: {len(split.train)} train, {len(split.test)} test videos")
    draft = _draft(plan, run, split, fabric).model_copy(update=dict(more))
    with _recorded(draft, folder, plan.metrics, progress, observers) as outcome:
        outcome.append(draft.model_copy(update={"status": "done", **work(draft, split, folder)}))
    record = records.read(folder / records.NAME, plan.metrics)
    if record.status == "done":
        observers.run_ended(record)
    return record


def _check_same_data(folder: Path, split: Split, plan: Plan) -> None:
    """A run belongs to its data: with other ids, labels or frames it is another experiment."""
    path = folder / records.NAME
    if not path.is_file() or plan.request.force:
        return
    before = records.read(path)
    if before.data != split.fingerprint:
        raise ConfigError(
            f"{path} was made with other ids or labels of {before.dataset}, fold {before.fold}",
            "Add --force to start that run again, or use another --output.",
        )
    now = plan.dataset.notes(plan.root)
    for fact in ("variant", REENCODED):
        if before.dataset_notes.get(fact) != now.get(fact):
            raise ConfigError(
                f"{path} was made with other frames of the same videos ({fact}: "
                f"{before.dataset_notes.get(fact)}, now {now.get(fact)})",
                "Add --force to start that run again, or use another --output.",
            )


@contextmanager
def _recorded(
    draft: Record, folder: Path, metrics: Metrics, progress: Progress, observers: Observers
) -> Iterator[list[Record]]:
    """Whatever happens inside, the folder's record says so: running, done, failed or interrupted.

    A failure that the user can fix ends this run alone; anything else is raised.
    """
    records.write(draft, folder, metrics)
    outcome: list[Record] = []
    try:
        yield outcome
    except DferbenchError as error:
        progress.say(f"failed: {error}. {error.hint}".strip())
        failed = {"status": "failed", "error": f"{error}\n{error.hint}", "exit_code": error.exit_code}
        outcome.append(draft.model_copy(update=failed))
    except BaseException as error:
        halted = not isinstance(error, Exception)
        status = "interrupted" if halted else "failed"
        records.write(draft.model_copy(update={"status": status, "error": repr(error)}), folder, metrics)
        observers.run_failed(repr(error))
        raise
    records.write(outcome[0], folder, metrics)
    if outcome[0].status == "failed":
        observers.run_failed(outcome[0].error)


def _draft(plan: Plan, run: tuple[int, int], split: Split, fabric: Fabric) -> Record:
    return Record(
        schema=records.SCHEMA,
        status="running",
        method=plan.method.name,
        origin=plan.method.origin,
        options=plan.options,
        given=dict(plan.request.sets),
        recipe=asdict(plan.recipe),
        dataset=plan.task.dataset,
        dataset_origin=plan.dataset_entry.origin,
        dataset_options=plan.dataset_options,
        dataset_given=plan.dataset_given,
        dataset_notes=dict(plan.dataset.notes(plan.root)),
        classes=list(plan.task.classes),
        fold=run[0],
        seed=run[1],
        config_id=plan.config_id,
        data=split.fingerprint,
        videos={"train": len(split.train), "test": len(split.test)},
        synthetic=plan.dataset.synthetic or is_made(plan.root),
        limit=plan.request.limit,
        environment=environment(fabric),
    )
