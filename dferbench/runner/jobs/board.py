"""How every run of a command stands while its jobs are at work."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dferbench import exit_codes
from dferbench.experiment.plan import Plan
from dferbench.experiment.record import Record
from dferbench.runner.jobs.messages import At, Deal, Raised

TRIES = 3
"""So many processes may die at a run before it counts as failed."""
LEFT = exit_codes.STOPPED
"""The exit code of an error that says: other processes are at it."""


@dataclass
class RunState:
    """One run: "to do", "running", "done", "failed", "left" to others, or "not tried" after an error that
    the other runs of its row would meet as well."""

    deal: Deal
    label: str
    plan: Plan
    state: str = "to do"
    job: int = 0
    deaths: int = 0
    at: At | None = None
    record: Record | None = None
    failure: Raised | None = None

    @property
    def folder(self) -> Path:
        """Where it leaves its files."""
        return self.plan.folder(self.deal.fold, self.deal.seed)


class Board:
    """The runs of all rows, in the order in which one process would do them."""

    def __init__(self, rows: Sequence[tuple[str, Plan]]) -> None:
        self.runs = [
            RunState(Deal(row, fold, seed), f"{label} fold {fold} seed {seed}".strip(), plan)
            for row, (label, plan) in enumerate(rows)
            for fold, seed in plan.runs
        ]
        self._queue = deque(self.runs)
        self._last_pass = False

    @property
    def open(self) -> bool:
        """Whether something is to do or being done."""
        return bool(self._queue) or any(run.state == "running" for run in self.runs)

    @property
    def waiting(self) -> bool:
        """Whether a run waits for a job."""
        return bool(self._queue)

    def next(self) -> RunState | None:
        """The next run for a job, if there is one."""
        return self._queue.popleft() if self._queue else None

    def ended(self, run: RunState, record: Record | None, failure: Raised | None) -> None:
        """A run left a record, or raised, which ends its row."""
        run.at, run.record, run.failure = None, record, failure
        if record is not None:
            run.state = "done" if record.status == "done" else "failed"
        elif failure is not None and failure.exit_code == LEFT:
            run.state = "left"
        else:
            run.state = "failed"
            self._give_up(run.deal.row)
        self._once_more()

    def died(self, run: RunState) -> bool:
        """The process of a run ended; whether the run is tried again, which continues from its last state."""
        run.at, run.deaths = None, run.deaths + 1
        if run.deaths < TRIES:
            run.state = "to do"
            self._queue.appendleft(run)
        return run.deaths < TRIES

    def _give_up(self, row: int) -> None:
        for run in [run for run in self._queue if run.deal.row == row]:
            run.state = "not tried"
            self._queue.remove(run)

    def _once_more(self) -> None:
        """What other processes had may be done when all else is, or free."""
        if not self.open and not self._last_pass:
            self._last_pass = True
            self._queue += [run for run in self.runs if run.state == "left"]

    def counts(self) -> str:
        """In words, those that occur."""
        found = Counter(run.state for run in self.runs)
        states = ("running", "to do", "done", "failed", "left", "not tried")
        return ", ".join(f"{found[state]} {state}" for state in states if found[state])


class Screen:
    """Where the user sees the board; this one shows nothing."""

    def say(self, text: str) -> None:
        """Show one line."""

    def overheard(self, text: str) -> None:
        """Show a line that a job's libraries or an error printed, which is shown in any case."""

    def show(self, board: Board) -> None:
        """Show how all runs stand; called several times a second."""
