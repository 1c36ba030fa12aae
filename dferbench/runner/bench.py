"""A suite's rows, run one after another: all checked before the first starts, none stopped by another."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dferbench import stopping
from dferbench.errors import DferbenchError
from dferbench.experiment.plan import Plan, read_splits
from dferbench.experiment.rows import naming
from dferbench.experiment.suite import Row
from dferbench.models.parts import Parts, unused_weights
from dferbench.progress import Progress
from dferbench.registry.catalog import Catalog
from dferbench.runner.claims import Busy
from dferbench.runner.preflight import check_batches, leading, rehearse
from dferbench.runner.run import run_all
from dferbench.runner.runs import require_same_code
from dferbench.trackers.choose import make_observers

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def _require_used(rows: Sequence[Parts]) -> None:
    """Weights are for all rows, and some rows may have other backbones; raise ConfigError if all have."""
    unused = set.intersection(*(set(parts.unused) for parts in rows))
    if unused:
        raise unused_weights(sorted(unused), "no row to be run has such a backbone")


@dataclass(frozen=True)
class Job:
    """A row and its plan."""

    row: Row
    plan: Plan


@dataclass(frozen=True)
class Unfinished:
    """Rows without results, by their number: why they failed, or who was at them instead of us."""

    failed: dict[int, str] = field(default_factory=dict)
    left: dict[int, str] = field(default_factory=dict)


def bench(suite: str, jobs: Sequence[Job], catalog: Catalog, progress: Progress) -> Unfinished:
    """Run every job and return which rows are not done and why; the jobs share dataset, folds and seeds.

    A row that other processes are at is tried once more when all others are done. Raises ConfigError or
    DataError for what can be known before any run starts, naming the row; what a plugin raises in a row ends
    that row alone. An interruption ends everything and leaves it resumable.
    """
    if not jobs:
        return Unfinished()
    observers = make_observers(jobs[0].plan.request.trackers, catalog, progress)
    fabrics = [leading(job.plan) for job in jobs]
    used = []
    for job, fabric in zip(jobs, fabrics, strict=True):
        with naming(suite, job.row, way_out="Or leave the row out, by --rows."):
            require_same_code(job.plan)
            used.append(rehearse(job.plan, catalog, fabric))
    _require_used(used)
    splits = read_splits(jobs[0].plan, progress)
    for job in jobs:
        with naming(suite, job.row, way_out="Or leave the row out, by --rows."):
            check_batches(job.plan, splits)
    unfinished = Unfinished()

    def attempt(job: Job, fabric: Fabric) -> None:
        stopping.check()
        progress.say(f"row {job.row.number}: {job.row.label} ({job.row.method})")
        with _judged(job.row.number, unfinished, progress) as reasons:
            records = run_all(job.plan, splits, catalog, fabric, progress, observers)
            reasons += [r.error.splitlines()[0] for r in records if r.status != "done"]

    pairs = list(zip(jobs, fabrics, strict=True))
    for job, fabric in pairs:
        attempt(job, fabric)
    for job, fabric in pairs:
        if unfinished.left.pop(job.row.number, None):
            attempt(job, fabric)
    return unfinished


@contextmanager
def _judged(row: int, unfinished: Unfinished, progress: Progress) -> Iterator[list[str]]:
    """Note why the row is not done: the first reason that the block adds, or what it raises."""
    reasons: list[str] = []
    try:
        yield reasons
    except Busy as error:
        unfinished.left[row] = str(error)
    except DferbenchError as error:
        stopping.check()
        reasons.append(f"{error}. {error.hint}")
    except Exception as error:
        stopping.check()
        progress.say(traceback.format_exc())
        reasons.append(f"a bug in dferbench or a plugin: {type(error).__name__}: {error}")
    if reasons:
        unfinished.failed[row] = reasons[0]
