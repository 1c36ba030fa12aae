"""How `--jobs` shows its runs on stderr: a live table on a terminal, plain lines in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table

from dferbench.cli.standing import clock
from dferbench.errors import DferbenchError
from dferbench.interface.progress import SECONDS_BETWEEN_LINES
from dferbench.printable import one_line
from dferbench.report.drawn import console, text
from dferbench.runner.jobs.board import Board, RunState, Screen
from dferbench.runner.jobs.messages import At
from dferbench.trackers.events import NAME, standing
from dferbench.trackers.facts import total_epochs

SECONDS_BETWEEN_DRAWINGS = 0.5
FIRST = ("running", "failed", "left", "to do", "not tried", "done")
"""What is shown first where there is no room for all runs."""


@contextmanager
def screen_of(quiet: bool) -> Iterator[Screen]:
    """What suits the place where stderr goes."""
    if quiet:
        yield PlainScreen(quiet=True)
    elif sys.stderr.isatty():
        with LiveTable() as table:
            yield table
    else:
        yield PlainScreen()


class PlainScreen(Screen):
    """Lines as they come, and one every ten seconds of each run that says nothing else."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet, self.spoken = quiet, time.monotonic()

    def say(self, text: str) -> None:
        """Print the line."""
        if not self.quiet:
            self.overheard(text)

    def overheard(self, text: str) -> None:
        """Print the line."""
        print(text, file=sys.stderr, flush=True)

    def show(self, board: Board) -> None:
        """Print how far runs are, if it is time."""
        if self.quiet or time.monotonic() - self.spoken < SECONDS_BETWEEN_LINES:
            return
        self.spoken = time.monotonic()
        for run in board.runs:
            if run.state == "running" and run.at:
                print(f"[{run.job}] {run.label}: {_work(run.at)}", file=sys.stderr, flush=True)
        print(f"runs: {board.counts()}", file=sys.stderr, flush=True)


class LiveTable(Screen):
    """A table of the runs that is drawn anew in its place; lines stand above it."""

    def __init__(self) -> None:
        self.console, self.drawn = console(stderr=True), 0.0
        self.live = Live(text(""), console=self.console, auto_refresh=False)

    def __enter__(self) -> LiveTable:
        self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.live.stop()

    def say(self, line: str) -> None:
        """Print the line above the table."""
        self.console.print(text(line))

    def overheard(self, line: str) -> None:
        """Print the line above the table."""
        self.say(line)

    def show(self, board: Board) -> None:
        """Draw the table, if it is time or the last time."""
        if time.monotonic() - self.drawn > SECONDS_BETWEEN_DRAWINGS or not board.open:
            self.drawn = time.monotonic()
            self.live.update(drawn_table(board, max(self.console.height - 4, 3)), refresh=True)


def drawn_table(board: Board, rows: int) -> RenderableType:
    """At most `rows` runs, in their order if there is room for all, and how many stand how."""
    shown = list(board.runs)
    if len(shown) > rows:
        shown = sorted(shown, key=lambda run: FIRST.index(run.state))[:rows]
    table = Table("run", "job", "state", "epoch", "UAR", "WAR", "left", box=None, header_style="bold")
    for run in shown:
        table.add_row(*map(text, _cells(run)))
    return Group(table, text(f"runs: {board.counts()}"))


def _cells(run: RunState) -> list[str]:
    job = str(run.job or "")
    if run.state == "running":
        work = _work(run.at) if run.at else "running"
        return [run.label, job, work, *_events(run)]
    if run.record is not None and run.state == "done":
        last = run.record.metrics.get("last", {})
        scores = [f"{last[name]:.2f}" if last.get(name) is not None else "-" for name in ("uar", "war")]
        return [run.label, job, "done", str(total_epochs(run.record)), *scores, ""]
    return [run.label, job, run.state, "", "", "", ""]


def _events(run: RunState) -> list[str]:
    """Epoch, UAR, WAR and time left, from what the run reports in its folder."""
    try:
        now = standing(run.folder / NAME)
    except (OSError, DferbenchError):  # it is being started over, or was damaged: the run itself tells
        now = None
    if now is None or now.over:
        return ["", "", "", ""]
    last = now.epochs[-1]["metrics"] if now.epochs else {}
    scores = [f"{last[name]:.2f}" if name in last else "-" for name in ("uar", "war")]
    left = clock(now.seconds_left) if now.seconds_left is not None else ""
    return [f"{now.done}/{now.start['total_epochs']}", *scores, left]


def _work(at: At) -> str:
    facts = " ".join(f"{name} {value:.3f}" for name, value in at.facts.items())
    return one_line(f"{at.what}: {at.done}/{at.total} {at.unit} {facts}")
