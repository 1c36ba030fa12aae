"""Progress on a terminal: a bar that redraws itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichBars

from dferbench.interface.progress import facts_text
from dferbench.printable import one_line
from dferbench.progress import Bar, Progress
from dferbench.report.drawn import console
from dferbench.report.drawn import text as drawn


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
        self.bars.update(self.task, advance=steps, rate=text, facts=one_line(facts_text(facts)))
