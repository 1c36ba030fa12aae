"""Progress on stderr: a live bar on a terminal, whose library is imported only there; lines in a pipe or a
notebook."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from dferbench.printable import printable
from dferbench.progress import Bar, Progress

SECONDS_BETWEEN_LINES = 10.0


def make_progress(quiet: bool = False) -> Progress:
    """What suits the place where stderr goes."""
    if quiet:
        return Progress()
    if not sys.stderr.isatty():
        return LineProgress()
    from dferbench.interface.progress_live import LiveProgress

    return LiveProgress()


def progress_of(asked: bool | Progress) -> Progress:
    """The reporter that an argument `progress` asks for: one of the caller's own, one on stderr, or none."""
    return asked if isinstance(asked, Progress) else make_progress(quiet=not asked)


def facts_text(facts: dict[str, float]) -> str:
    """The facts of a bar in words: loss 0.693."""
    return " ".join(f"{name} {value:.3f}" for name, value in facts.items())


class LineProgress(Progress):
    """A line when something ends, and one every ten seconds while it lasts."""

    def say(self, text: str) -> None:
        """Print one line."""
        print(printable(text), file=sys.stderr, flush=True)

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
        self.facts = facts_text(facts)
        if time.monotonic() - self.spoken > SECONDS_BETWEEN_LINES:
            self.line()

    def line(self) -> None:
        self.spoken = time.monotonic()
        rate = self.done / max(self.spoken - self.started, 1e-9)
        line = f"{self.what}: {self.done}/{self.total} {self.unit}, {rate:.1f}/s {self.facts}"
        print(printable(line.rstrip()), file=sys.stderr, flush=True)
