"""Untrusted videos in processes of their own: one that hangs or crashes is named, and the rest continues."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from multiprocessing import synchronize
from multiprocessing.context import SpawnContext
from typing import Any, Generic, TypeVar

from pebble import ProcessExpired, ProcessPool

from dferbench import stopping
from dferbench.errors import DferbenchError, VideoError
from dferbench.progress import Bar
from dferbench.stopping import ended_by

Item = TypeVar("Item")
Result = TypeVar("Result")

TASKS_A_WORKER = 200
"""After so many videos a worker is replaced, and what the decoders' libraries leaked is gone."""
AHEAD = 4
"""How many videos a worker are handed out before the first of them is asked for."""


def run_each(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    seconds: float,
    workers: int,
    bar: Bar | None = None,
    name: Callable[[Item], str] = str,
    option: str = "",
) -> Iterator[tuple[Item, Result | VideoError]]:
    """`function(item)` for every item, in `workers` processes, `seconds` at most for each; in order.

    In place of a result stands a VideoError on `name(item)` where the function took too long, ended its
    process or raised anything but a DferbenchError, and the VideoError that it raised itself. `function`,
    items and results must be picklable, and a function that is run again on the same item must do no harm.
    `option` is the one by which the user sets the seconds, if there is one.

    Raises any other DferbenchError of the function, for it is not about one video (a full disk, say), and
    DferbenchError if no worker can be started. All workers end with this iterator, with Ctrl-C, and with
    this process even if it is killed.
    """
    if not items:
        return
    crew = _Crew(function, seconds, min(workers, len(items)), name, option)
    left = iter(items)
    try:
        while True:
            stopping.check()
            crew.take(islice(left, crew.room))
            if not crew.tasks:
                return
            item, result = crew.next_result()
            if bar is not None:
                bar.advance()
            yield item, result
    finally:
        crew.dismiss()


@dataclass(frozen=True)
class _Outcome(Generic[Result]):
    """What came of one item, as plain data: an exception that cannot be unpickled would break the pool."""

    result: Result | None = None
    bad: tuple[str, str] | None = None
    """Path and reason of a VideoError."""
    failed: tuple[str, str, int] | None = None
    """Message, hint and exit code of any other DferbenchError."""


def _attempt(function: Callable[[Item], Result], item: Item, name: str) -> _Outcome[Result]:
    """Runs in the worker."""
    try:
        return _Outcome(function(item))
    except VideoError as error:
        return _Outcome(bad=(error.path, error.reason))
    except DferbenchError as error:
        return _Outcome(failed=(error.message, error.hint, error.exit_code))
    except MemoryError:
        return _Outcome(bad=(name, "there is not enough memory for it"))
    except Exception as error:
        return _Outcome(bad=(name, f"reading it raised {type(error).__name__}: {error}"))


class _Context(SpawnContext):
    """Spawns, as a forked worker would inherit threads and decoders in whatever state they were in.

    It keeps the locks that it makes: pebble drops its own before it ends the workers, and one that has hardly
    started would print that it does not find them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._locks: list[synchronize.RLock] = []

    def RLock(self) -> synchronize.RLock:
        """A lock that lives as long as the context."""
        self._locks.append(super().RLock())
        return self._locks[-1]


class _Crew(Generic[Item, Result]):
    """A pool and the tasks that it has been given, oldest first."""

    def __init__(
        self,
        function: Callable[[Item], Result],
        seconds: float,
        workers: int,
        name: Callable[[Item], str],
        option: str,
    ) -> None:
        self.function, self.seconds, self.workers, self.name = function, seconds, workers, name
        self.option = option
        self.tasks: deque[tuple[Item, Future[_Outcome[Result]]]] = deque()
        self.pool = self._hire()
        self.breaks = 0

    @property
    def room(self) -> int:
        """How many more tasks may be handed out."""
        return AHEAD * self.workers - len(self.tasks)

    def take(self, items: Iterator[Item]) -> None:
        """Hand out one task an item."""
        for item in items:
            self.tasks.append((item, self._schedule(item)))

    def next_result(self) -> tuple[Item, Result | VideoError]:
        """Wait for the oldest task. Raises DferbenchError."""
        while True:
            item, future = self.tasks[0]
            try:
                result = self._result(item, future)
            except BrokenProcessPool as error:
                self._start_again(error)
                continue
            self.breaks = 0
            self.tasks.popleft()
            return item, result

    def dismiss(self) -> None:
        """End all workers, busy or not."""
        self.pool.stop()  # type: ignore[no-untyped-call]
        self.pool.join()

    def _hire(self) -> ProcessPool:
        return ProcessPool(self.workers, TASKS_A_WORKER, initializer=_prepare, context=_Context())

    def _schedule(self, item: Item) -> Future[_Outcome[Result]]:
        arguments = (self.function, item, self.name(item))
        try:
            # Not SIGTERM: by it a pool that is done ends workers that have hardly started.
            with stopping.held((signal.SIGINT,)):
                return self.pool.schedule(_attempt, args=arguments, timeout=self.seconds)
        except RuntimeError as error:  # the pool broke since the last result
            broken: Future[_Outcome[Result]] = Future()
            broken.set_exception(BrokenProcessPool(str(error)))
            return broken
        except OSError as error:
            raise DferbenchError(
                f"the processes that read videos cannot be started: {error.strerror or error}",
                "Check the limits of processes and open files, and that /dev/shm is writable and not full.",
            ) from error

    def _start_again(self, error: Exception) -> None:
        """Replace a pool that lost an idle worker, and hand out again whatever it did not finish."""
        self.breaks += 1
        if self.breaks > 2:
            raise DferbenchError(
                f"the processes that read videos die before they read any ({error})",
                "Look for a memory or process limit of this machine, or use fewer --workers.",
            ) from error
        self.dismiss()
        self.pool = self._hire()
        self.tasks = deque(
            (item, future if _finished(future) else self._schedule(item)) for item, future in self.tasks
        )

    def _result(self, item: Item, future: Future[_Outcome[Result]]) -> Result | VideoError:
        try:
            outcome = future.result()
        except TimeoutError:
            more = f"; allow more with {self.option}" if self.option else ""
            return VideoError(self.name(item), f"it was not read within {self.seconds:g} s{more}")
        except ProcessExpired as error:
            cause = ended_by(error.exitcode)
            if cause == signal.SIGTERM.name:  # sent to all of the group, most likely
                stopping.wait_for_signal()
            return VideoError(self.name(item), f"reading it killed its process ({cause})")
        if outcome.failed:
            *words, code = outcome.failed
            failure = DferbenchError(*words)
            failure.exit_code = code
            raise failure
        return VideoError(*outcome.bad) if outcome.bad else outcome.result  # type: ignore[return-value]


def _finished(future: Future[Any]) -> bool:
    return future.done() and not isinstance(future.exception(), BrokenProcessPool)


def _prepare() -> None:
    """Make this process a worker that leaves when it is told to, and not before."""
    stopping.leave_to_parent(sigterm=False)  # by which the pool ends a worker
    # For other systems, and for a parent that was gone before the kernel knew.
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
