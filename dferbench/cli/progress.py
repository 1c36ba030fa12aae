"""Progress on stderr: a live bar on a terminal, plain lines in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichBars

from dferbench.printable import one_line
from dferbench.progress import Bar, Progress
from dferbench.report.drawn import console
from dferbench.report.drawn import text as drawn

SECONDS_BETWEEN_LINES = 10.0


def make_progress(quiet: bool = False) -> Progress:
    """What suits the place where stderr goes."""
    if quiet:
        return Progress()
    return LiveProgress() if sys.stderr.isatty() else LineProgress()


def _facts(facts: dict[str, float]) -> str:
    return " ".join(f"{name} {value:.3f}" for name, value in facts.items())


class LineProgress(Progress):
    """A line when something ends, and one every ten seconds while it lasts."""

    def say(self, text: str) -> None:
        """Print one line."""
        print(text, file=sys.stderr, flush=True)

    @contextmanager
    def bar(self, what: str, total: int, unit: str = "videos") -> Iterator[Bar]:
        """Yield a bar that prints lines."""
        bar = _LineBar(what, total, unit)
        yield bar
        bar.line()


class _LineBar(Bar):
    def __init__(self, what: str, total: int, unit: str) -> None:
        self.what, self.total, self.unit = what, total, unit
        self.done, self.facts = 0, ""
        self.started = self.spoken = time.monotonic()

    def advance(self, steps: int = 1, **facts: float) -> None:
        self.done += steps
        self.facts = _facts(facts)
        if time.monotonic() - self.spoken > SECONDS_BETWEEN_LINES:
            self.line()

    def line(self) -> None:
        self.spoken = time.monotonic()
        rate = self.done / max(self.spoken - self.started, 1e-9)
        line = f"{self.what}: {self.done}/{self.total} {self.unit}, {rate:.1f}/s {self.facts}"
        print(line.rstrip(), file=sys.stderr, flush=True)


class LiveProgress(Progress):
    """A bar with rate, facts and time left."""

    def __init__(self) -> None:
        self.console = console(stderr=True)

    def say(self, text: str) -> None:
        """Print one line above the bar."""
        self.console.print(drawn(text))

    @contextmanager
    def bar(self, what: str, total: int, unit: str = "videos") -> Iterator[Bar]:
        """Yield a bar that redraws itself and vanishes at the end."""
        columns = (
            TextColumn("{task.description:<18}", markup=False),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}", markup=False),
            TimeRemainingColumn(),
            TextColumn("{task.fields[facts]}", markup=False),
        )
        with RichBars(*columns, console=self.console, transient=True) as bars:
            yield _LiveBar(bars, bars.add_task(one_line(what), total=total, rate="", facts=""), unit)


class _LiveBar(Bar):
    def __init__(self, bars: RichBars, task: TaskID, unit: str) -> None:
        self.bars, self.task, self.unit = bars, task, unit
        self.done, self.started = 0, time.monotonic()

    def advance(self, steps: int = 1, **facts: float) -> None:
        self.done += steps
        rate = self.done / max(time.monotonic() - self.started, 1e-9)
        text = f"{rate:.0f} {self.unit}/s"
        self.bars.update(self.task, advance=steps, rate=text, facts=one_line(_facts(facts)))
