"""How `watch` shows a run: a live table on a terminal, a line an epoch in a pipe."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TextIO

from rich.console import Group
from rich.live import Live
from rich.table import Table

from dferbench.cli.standing import clock
from dferbench.printable import printable
from dferbench.report.drawn import console, text
from dferbench.trackers.events import Event, Standing


def make_screen(run: Path) -> LineScreen | LiveScreen:
    """What suits the place where stdout goes."""
    return LiveScreen(run) if sys.stdout.isatty() else LineScreen(run)


def waiting(run: Path) -> str:
    """What is waited for, why nothing is shown yet, and on a second line what to do."""
    why = "no run in it has reported yet" if run.is_dir() else "there is no such folder yet"
    return f"waiting for a run in {run}: {why}\nStart one by dferbench run, or press Ctrl-C to end this."


class LineScreen(AbstractContextManager["LineScreen"]):
    """Prints what is new: the run, then a line an epoch, then its end; on stderr what is waited for."""

    def __init__(self, run: Path) -> None:
        self.run, self.last, self.epochs = run, "", 0

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, now: Standing | None) -> None:
        """Print the lines that are new since the last time."""
        if now is None:
            self.epochs = 0
            self._say_once(waiting(self.run), sys.stderr)
            return
        if not self.epochs:
            self._say_once(_heading(now))
        for epoch in now.epochs:
            # A resumed run trains its last epoch again; it was told.
            if epoch["epochs"] > self.epochs:
                self.epochs = epoch["epochs"]
                print(_line(now, epoch), flush=True)
        if now.over:
            self._say_once(_status(now))

    def _say_once(self, line: str, where: TextIO | None = None) -> None:
        if line != self.last:
            print(line, file=where or sys.stdout, flush=True)
            self.last = line


class LiveScreen(AbstractContextManager["LiveScreen"]):
    """A table of the last epochs that is drawn anew in its place."""

    def __init__(self, run: Path) -> None:
        self.run, self.console = run, console()
        self.live = Live(text(""), console=self.console)

    def __enter__(self) -> LiveScreen:
        self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.live.stop()

    def show(self, now: Standing | None) -> None:
        """Draw the table."""
        if now is None:
            self.live.update(text(waiting(self.run)))
            return
        rows = max(self.console.height - 6, 3)
        status = text(_status(now), overflow="fold")
        self.live.update(Group(text(_heading(now)), _table(now, rows), status), refresh=True)


def _table(now: Standing, rows: int) -> Table:
    shown = now.epochs[-rows:]
    terms = list(dict.fromkeys(name for epoch in shown for name in epoch["terms"]))
    table = Table(
        "epoch", "stage", *map(printable, terms), "lr", "UAR", "WAR", "time", box=None, header_style="bold"
    )
    for epoch in shown:
        losses = [f"{epoch['terms'][name]:.3f}" if name in epoch["terms"] else "" for name in terms]
        scores = [_percent(epoch, "uar"), _percent(epoch, "war")]
        time = clock(epoch["seconds"])
        table.add_row(_place(now, epoch), text(epoch["stage"]), *losses, _learning_rate(epoch), *scores, time)
    return table


def _line(now: Standing, epoch: Event) -> str:
    terms = " ".join(f"{name} {value:.3f}" for name, value in epoch["terms"].items())
    left = now.seconds_left_after(epoch)
    return (
        f"{_place(now, epoch)} {epoch['stage']}: {terms}, lr {_learning_rate(epoch)}, "
        f"UAR {_percent(epoch, 'uar')} WAR {_percent(epoch, 'war')}, "
        f"{clock(epoch['seconds'])}, {clock(left)} left"
    )


def _place(now: Standing, epoch: Event) -> str:
    return f"{epoch['epochs']}/{now.start['total_epochs']}"


def _percent(epoch: Event, metric: str) -> str:
    return f"{epoch['metrics'][metric]:.2f}" if metric in epoch["metrics"] else "-"


def _learning_rate(epoch: Event) -> str:
    """The one of all patterns, or the lowest and the highest."""
    rates = sorted(set(epoch["learning_rates"].values()))
    return "-" if not rates else f"{rates[0]:.2g}" if len(rates) == 1 else f"{rates[0]:.2g}..{rates[-1]:.2g}"


def _heading(now: Standing) -> str:
    what = now.start["configuration"]
    caveats = f" [{', '.join(now.caveats)}]" if now.caveats else ""
    return (
        f"{what['method']} on {what['dataset']}, fold {what['fold']} seed {what['seed']}, "
        f"configuration {what['config_id']}{caveats}"
    )


def _status(now: Standing) -> str:
    if now.gone:
        return "stopped: the process of this run is gone; the same command resumes it"
    if now.end is None:
        left = f", about {clock(now.seconds_left)} left" if now.seconds_left is not None else ""
        return f"running: {now.done}/{now.start['total_epochs']} epochs{left}"
    if not now.succeeded:
        return f"failed: {' '.join(now.end['error'].split())}"
    last = now.end["metrics"].get("last", {})
    return "done: " + " ".join(
        f"{name.upper()} {last[name]:.2f}" for name in ("uar", "war") if last.get(name) is not None
    )
