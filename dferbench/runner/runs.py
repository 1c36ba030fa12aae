"""The runs of a plan, one after another, each leaving a record; what is done is not done again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from dferbench import stopping
from dferbench.data.marks import Marks, notes_of
from dferbench.errors import DferbenchError
from dferbench.experiment import record as records
from dferbench.experiment.metrics import Metrics
from dferbench.experiment.plan import Plan, Split
from dferbench.experiment.recipe import stated
from dferbench.experiment.record import Record
from dferbench.experiment.result_files import named_files
from dferbench.experiment.selected import HeldOut
from dferbench.experiment.soft_targets import with_votes
from dferbench.machine.environment import environment
from dferbench.progress import Progress
from dferbench.runner.claims import Claim, Holder, busy, claim
from dferbench.runner.finished import (
    continued,
    drop_state,
    marks_in,
    require_same_code,
    require_same_data,
    told,
    with_curve,
)
from dferbench.training import resume
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
    data, Busy if other processes are at runs when all others are done, and whatever an interruption raises.
    """
    watching = observers or Observers()
    require_same_code(plan)
    marks = {fold: marks_in(plan, split) for fold, split in splits.items()}
    found: dict[tuple[int, int], Record] = {}

    def attempt(one: tuple[int, int]) -> Holder | None:
        stopping.check()
        split = splits[one[0]]
        with claim(plan.folder(*one)) if _to_do(plan, one) else nullcontext(Claim()) as claimed:
            if claimed.holder is None:
                draft = _draft(plan, one, split, marks[one[0]], fabric).model_copy(update=dict(more or {}))
                found[one] = _do_or_say(plan, draft, split, progress, work, watching)
        return claimed.holder

    # What another process was at may be done by the end of the others, or left to whoever comes.
    for one in plan.runs:
        if holder := attempt(one):
            progress.say(f"fold {one[0]} seed {one[1]}: left to {holder}")
    held = {one: holder for one in plan.runs if one not in found and (holder := attempt(one))}
    if held:
        raise busy([plan.folder(*one) for one in held], next(iter(held.values())))
    return [found[one] for one in plan.runs]


def _to_do(plan: Plan, run: tuple[int, int]) -> bool:
    """Whether something would be written into the folder of a run: what is done or damaged stays as it is."""
    try:
        return plan.finished(*run) is None
    except records.BadRecord:
        return False


def _do_or_say(
    plan: Plan, draft: Record, split: Split, progress: Progress, work: Work, observers: Observers
) -> Record:
    """A run whose record is damaged is left as it is, and counts as failed: it may hold a result."""
    try:
        return _do(plan, draft, split, progress, work, observers)
    except records.BadRecord as error:
        progress.say(f"failed: {error}. {error.hint}")
        failed = {"status": "failed", "error": f"{error}\n{error.hint}", "exit_code": error.exit_code}
        return draft.model_copy(update=failed)


def _do(
    plan: Plan, draft: Record, split: Split, progress: Progress, work: Work, observers: Observers
) -> Record:
    run = (draft.fold, draft.seed)
    folder = plan.folder(*run)
    stored = None if plan.request.force else plan.stored(*run)
    if stored is not None:
        require_same_data(plan, stored, draft.data, draft.dataset_notes)
        if plan.keeps(stored):
            return told(plan, stored, progress)
    before = continued(plan, run, stored)
    outdated = before is not None and plan.request.changed == "again" and bool(plan.changes(before))
    if plan.request.force or outdated:
        shutil.rmtree(folder, ignore_errors=True)
    elif why := resume.set_aside(folder, resume.owner_of(draft)):
        progress.say(f"{folder / resume.NAME} is not trained on: {why}")
        progress.say(f"It is kept as {resume.REFUSED}; the run begins anew, which gives the same result.")
    elif before is not None:
        mixed = before.mixed_code or bool(plan.changes(before))
        draft = draft.model_copy(update={"mixed_code": mixed})
    progress.say(f"fold {run[0]} seed {run[1]}: {_numbers(split)} videos")
    split = with_votes(plan, split)
    if split.targets is not None:
        progress.say(str(split.targets))
        draft = draft.model_copy(update={"notes": {"votes": split.targets.facts}})
    with _recorded(draft, folder, plan.metrics, progress, observers) as outcome:
        found = work(draft, split, folder)
        outcome.append(draft.model_copy(update={"status": "done", **found, "files": named_files(folder)}))
    record = with_curve(records.read(folder / records.NAME, plan.metrics), folder, progress)
    progress.say(f"fold {run[0]} seed {run[1]}: {record.status}, {folder}")
    if record.status == "done":
        drop_state(folder)
        observers.run_ended(record)
    return record


def _numbers(split: Split) -> str:
    return ", ".join(f"{count} {part}" for part, count in split.sizes.items())


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
    except BaseException as error:
        if isinstance(error, DferbenchError) and not stopping.asked():
            progress.say(f"failed: {error}. {error.hint}".strip())
            failed = {"status": "failed", "error": f"{error}\n{error.hint}", "exit_code": error.exit_code}
            outcome.append(draft.model_copy(update=failed))
        else:
            halted = stopping.asked() or not isinstance(error, Exception)
            status = "interrupted" if halted else "failed"
            if not _is_done(folder):
                ended = draft.model_copy(update={"status": status, "error": repr(error)})
                records.write(ended, folder, metrics)
            observers.run_failed(repr(error))
            stopping.check()
            raise
    records.write(outcome[0], folder, metrics)
    if outcome[0].status == "failed":
        observers.run_failed(outcome[0].error)


def _is_done(folder: Path) -> bool:
    """Whether somebody else ended the run meanwhile, which only a lease that was not renewed lets them."""
    path = folder / records.NAME
    try:
        return path.is_file() and records.read(path).status == "done"
    except records.BadRecord:
        return False  # what ends this run is told, not what happened to its record


def _held_out(plan: Plan, split: Split) -> HeldOut | None:
    held, request = split.held, plan.request
    if held is None or not request.validation:
        return None
    return HeldOut(
        share=request.validation, patience=request.patience, groups=held.groups, data=held.fingerprint
    )


def _draft(plan: Plan, run: tuple[int, int], split: Split, marks: Marks, fabric: Fabric) -> Record:
    return Record(
        schema=records.SCHEMA,
        status="running",
        method=plan.method.name,
        origin=plan.method.origin,
        options=plan.options,
        given=dict(plan.request.sets),
        recipe=stated(plan.recipe),
        dataset=plan.task.dataset,
        dataset_origin=plan.dataset_entry.origin,
        dataset_options=plan.dataset_options,
        dataset_given=plan.dataset_given,
        dataset_notes=notes_of(plan.dataset, plan.root, marks),
        classes=list(plan.task.classes),
        fold=run[0],
        seed=run[1],
        config_id=plan.config_id,
        data=split.fingerprint,
        videos=split.sizes,
        validation=_held_out(plan, split),
        trial=plan.request.trial,
        synthetic=plan.dataset.synthetic or marks.drawn,
        limit=plan.request.limit,
        code=dict(plan.code),
        folds=list(plan.dataset.folds),
        environment=environment(fabric),
    )
