"""How work reports itself: an object handed down from the command line. This one is silent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Bar:
    """One piece of work with a known number of steps."""

    def advance(self, steps: int = 1, **facts: float) -> None:
        """Report `steps` more done, with the latest facts about them (a loss, say)."""


class Progress:
    """The silent reporter, and the base of those that speak."""

    def say(self, text: str) -> None:
        """Tell the user one line."""

    @contextmanager
    def bar(self, what: str, total: int, unit: str = "videos") -> Iterator[Bar]:
        """Open a bar over `total` steps of `unit`; it closes with the block, done or not."""
        yield Bar()
