"""A suite's rows, run one after another: all checked before the first starts, none stopped by another."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass

from dferbench import stopping
from dferbench.errors import DferbenchError
from dferbench.experiment.plan import Plan, read_splits
from dferbench.experiment.rows import naming
from dferbench.experiment.suite import Row
from dferbench.machine.device import make_fabric
from dferbench.models.parts import Parts, unused_weights
from dferbench.progress import Progress
from dferbench.registry.catalog import Catalog
from dferbench.runner.preflight import check_batches, rehearse
from dferbench.runner.run import run_all
from dferbench.runner.runs import require_same_code
from dferbench.trackers.choose import make_observers


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


def bench(suite: str, jobs: Sequence[Job], catalog: Catalog, progress: Progress) -> dict[int, str]:
    """Run every job and return why rows failed, by their number; the jobs share dataset, folds and seeds.

    Raises ConfigError or DataError for what can be known before any run starts, naming the row; what a
    plugin raises in a row ends that row alone. An interruption ends everything and leaves it resumable.
    """
    if not jobs:
        return {}
    observers = make_observers(jobs[0].plan.request.trackers, catalog, progress)
    fabrics = [make_fabric(job.plan.request.device, job.plan.recipe.precision) for job in jobs]
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
    failed = {}
    for job, fabric in zip(jobs, fabrics, strict=True):
        stopping.check()
        progress.say(f"row {job.row.number}: {job.row.label} ({job.row.method})")
        try:
            records = run_all(job.plan, splits, catalog, fabric, progress, observers)
            reasons = [r.error.splitlines()[0] for r in records if r.status != "done"]
        except DferbenchError as error:
            stopping.check()
            reasons = [f"{error}. {error.hint}"]
        except Exception as error:
            stopping.check()
            progress.say(traceback.format_exc())
            reasons = [f"a bug in dferbench or a plugin: {type(error).__name__}: {error}"]
        if reasons:
            failed[job.row.number] = reasons[0]
    return failed
