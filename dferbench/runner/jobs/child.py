"""A job: a process that does the runs which its parent deals, one after another, and tells how they end.

Nothing heavy is imported before the environment is set: torch counts threads and devices when it is.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from dferbench import exit_codes, stopping
from dferbench.errors import DferbenchError, said_by
from dferbench.printable import screened
from dferbench.progress import Bar, Progress
from dferbench.runner.jobs.messages import At, Deal, Ended, Raised, Ready, Refused, SaidLine, Start

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from dferbench.experiment.plan import Plan, Split
    from dferbench.runner.bench import Job

SECONDS_BETWEEN_STEPS = 0.25


def work(connection: Connection, errors: Connection, start: Start) -> None:
    """The whole life of a job. What it, its libraries and its readers print goes to `errors`."""
    for stream in (1, 2):
        os.dup2(errors.fileno(), stream)
    os.environ.update(start.environment)
    code = 0
    try:
        stopping.listen_below_parent()
        with screened():
            _serve(start, Parent(connection))
    except BaseException:
        code = exit_codes.STOPPED if stopping.asked() else exit_codes.FAILED
        if code == 1:
            traceback.print_exc()
    stopping.conclude(code)
    sys.exit(code)


class Parent:
    """The other end of the pipe."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def tell(self, message: Ready | SaidLine | At | Refused | Ended) -> None:
        """Send a message, whole even if a signal comes meanwhile. Raises Stopped if the parent is gone."""
        try:
            with stopping.held():
                self._connection.send(message)
        except OSError:
            stopping.stop()

    def deals(self) -> Iterator[Deal]:
        """The runs to do, until there are no more."""
        while True:
            try:
                deal = self._connection.recv()
            except (EOFError, OSError):
                stopping.stop()
            if deal is None:
                return
            yield deal


class ToldProgress(Progress):
    """Tells the parent."""

    def __init__(self, parent: Parent) -> None:
        self._parent = parent

    def say(self, text: str) -> None:
        """Tell one line."""
        self._parent.tell(SaidLine(text))

    @contextmanager
    def bar(self, what: str, total: int, unit: str = "videos") -> Iterator[Bar]:
        """Yield a bar that tells some times a second how far it is."""
        yield _ToldBar(self._parent, what, total, unit)


class _ToldBar(Bar):
    def __init__(self, parent: Parent, what: str, total: int, unit: str) -> None:
        self.parent, self.what, self.total, self.unit = parent, what, total, unit
        self.done, self.told = 0, 0.0

    def advance(self, steps: int = 1, **facts: float) -> None:
        self.done += steps
        if self.done >= self.total or time.monotonic() - self.told > SECONDS_BETWEEN_STEPS:
            self.told = time.monotonic()
            self.parent.tell(At(self.what, self.done, self.total, self.unit, facts))


def _serve(start: Start, parent: Parent) -> None:
    try:
        prepared = Prepared(start, ToldProgress(parent))
    except (Exception, SystemExit) as error:
        parent.tell(Refused(_failure(error)))
        return
    parent.tell(Ready())
    for deal in parent.deals():
        parent.tell(prepared.done(deal))


def _failure(error: BaseException) -> Raised:
    """The error as text; of a bug its traceback is printed. Raises the stop if it is a part of one."""
    stopping.check()
    if isinstance(error, DferbenchError):
        return Raised(str(error), error.hint, error.exit_code)
    traceback.print_exc()
    what = f"a bug in dferbench or a plugin: {type(error).__name__}: {said_by(error)}"
    return Raised(what, "Please report the lines above.", 1)


class Prepared:
    """The runs of a command, ready to be done one by one. Raises what can be known before any starts."""

    def __init__(self, start: Start, progress: Progress) -> None:
        from dferbench.experiment.plan import make_plan, read_splits
        from dferbench.registry.catalog import discover
        from dferbench.trackers.choose import make_observers

        self.catalog, self.progress = discover(start.plugins), progress
        self.plans = [make_plan(request, self.catalog) for _, request in start.rows]
        self.observers = make_observers(start.rows[0][1].trackers, self.catalog, progress)
        self.fabrics: dict[int, Fabric] = {}
        self.splits = self._checked(start) if start.check else read_splits(self.plans[0], progress)

    def _checked(self, start: Start) -> dict[int, Split]:
        from dferbench.runner import bench, run

        rows = [row for row, _ in start.rows if row is not None]
        if not rows:
            fabric, splits = run.checked(self.plans[0], self.catalog, self.progress)
            self.fabrics = {0: fabric}
            return splits
        jobs: list[Job] = [bench.Job(*pair) for pair in zip(rows, self.plans, strict=True)]
        fabrics, splits = bench.checked(start.suite, jobs, self.catalog, self.progress)
        self.fabrics = dict(enumerate(fabrics))
        return splits

    def done(self, deal: Deal) -> Ended:
        """Do a run, and say what became of it."""
        from dferbench.runner.run import run_all

        plan = _only(self.plans[deal.row], deal)
        try:
            fabric, splits = self._fabric(deal.row, plan), {deal.fold: self.splits[deal.fold]}
            (record,) = run_all(plan, splits, self.catalog, fabric, self.progress, self.observers)
        except (Exception, SystemExit) as error:
            return Ended(None, _failure(error))
        return Ended(record, None)

    def _fabric(self, row: int, plan: Plan) -> Fabric:
        from dferbench.runner.preflight import leading

        if row not in self.fabrics:
            self.fabrics[row] = leading(plan)
        return self.fabrics[row]


def _only(plan: Plan, deal: Deal) -> Plan:
    """The plan of one of its runs."""
    return replace(plan, folds=(deal.fold,), request=replace(plan.request, seeds=(deal.seed,)))
