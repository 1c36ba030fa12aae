"""The state of a run on its way to the disk: the loop copies it and continues, and a thread writes it."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from dferbench import stopping
from dferbench.errors import DferbenchError
from dferbench.training.resume import State


class StateWriter:
    """Writes the states that it is offered, one at a time and never two at once, and no oftener than every so
    many minutes. One that is overtaken by a later one while it waits is never written.

    `write(state)` does it, in a thread, and `told(path)` is called when a file is there, by whoever calls
    `offer` or `look`: neither waits. The end of the block does, for the last state that was offered, whatever
    ends it; so only a process that dies loses what was learned since the last file.
    """

    def __init__(
        self, write: Callable[[State], Path], told: Callable[[Path], None], minutes: float = 0.0
    ) -> None:
        self._write, self._told, self._interval = write, told, 60 * minutes
        self._thread = ThreadPoolExecutor(1, "state")
        self._writing: Future[Path] | None = None
        self._waiting: State | None = None
        self._due = time.monotonic()

    def offer(self, state: State) -> None:
        """Have a state written as soon as it is time and the one before is on the disk.

        Raises DferbenchError if one that was offered before could not be written.
        """
        self._waiting = state
        self.look()

    def look(self) -> None:
        """Tell what is written and begin what waits; to be called often. Raises as `offer`."""
        if self._writing is not None and self._writing.done():
            written, self._writing = self._writing, None
            self._told(written.result())
        if self._writing is None and time.monotonic() >= self._due:
            self._begin()

    def _begin(self) -> None:
        if self._waiting is None:
            return
        state, self._waiting = self._waiting, None
        self._due = time.monotonic() + self._interval
        with stopping.held():  # what a signal interrupts is the loop, not the thread that starts here
            self._writing = self._thread.submit(self._write, state)

    def __enter__(self) -> StateWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for all that was offered. Raises DferbenchError if it could not be written, unless something
        else has ended the block."""
        earlier = self._writing
        self._begin()
        written = list(dict.fromkeys(one for one in (earlier, self._writing) if one is not None))
        try:
            wait(written)
        finally:
            wait(written)  # what ended the waiting, a signal, does not end the writing
            self._thread.shutdown()
        with suppress(*([] if kind is None else [DferbenchError])):
            for one in written:
                self._told(one.result())
