"""Running a plugin's code so that nothing it does takes the command down with it.

A plugin can call `sys.exit`, raise what no `except Exception` catches, or close the standard output; each
of these is the plugin's fault and no reason to stop, unless the user asked to stop meanwhile.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, TypeVar

from dferbench.errors import ConfigError, said_by
from dferbench.printable import printable

Result = TypeVar("Result")

LONG = 5.0
"""Seconds after which a plugin that is still loading is named."""
STREAMS = {"stdout": 1, "stderr": 2}


class PluginFault(Exception):
    """What went wrong in a plugin, in one line; the cause is the exception that it raised, if it did."""


def carefully(origin: str, load: Callable[[], Result]) -> Result:
    """What `load` returns. Raises PluginFault for whatever it raises instead, and for closing a stream.

    A stop that the user asked for meanwhile (Ctrl-C, SIGTERM) passes through. What is printed goes to the
    standard error, so that it does not get between the lines of a command's own output. One that takes long
    is named while it does.
    """
    with _named_if_slow(origin), _stops() as stopped, _streams_kept() as closed:
        try:
            result = load()
        except BaseException as error:
            if stopped:
                raise
            raise PluginFault(f"{type(error).__name__}: {said_by(error)}") from error
    if closed:
        raise PluginFault(f"it closes the {closed[0]} of the whole program")
    return result


@contextmanager
def contained(whose: str) -> Iterator[None]:
    """For what a plugin builds: exceptions pass as they are, but nothing in it can end the program.

    Raises ConfigError, which says `whose` code it was, for SystemExit and its like.
    """
    with _stops() as stopped:
        try:
            yield
        except Exception:
            raise
        except BaseException as error:
            if stopped or type(error).__module__.startswith("dferbench."):
                raise
            raise ConfigError(
                f"{whose} would end the program ({type(error).__name__}: {said_by(error)})",
                "Fix the plugin: what it cannot do should be an exception of another kind.",
            ) from error


@contextmanager
def _named_if_slow(origin: str) -> Iterator[None]:
    def tell() -> None:
        with suppress(Exception):
            sys.stderr.write(f"note: the plugin {printable(origin)} takes more than {LONG:g} s to load\n")

    timer = threading.Timer(LONG, tell)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _stops() -> Iterator[list[int]]:
    """The signals that asked for a stop within the block: what a plugin raises by itself asks for nothing."""
    asked: list[int] = []
    ours: dict[signal.Signals, tuple[Any, Any]] = {}

    def noting(before: Any) -> Callable[[int, Any], Any]:
        def note(number: int, frame: Any) -> Any:
            asked.append(number)
            return before(number, frame)

        return note

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            before = signal.getsignal(number)
            if callable(before):
                ours[number] = before, noting(before)
                signal.signal(number, ours[number][1])
    try:
        yield asked
    finally:
        for number, (before, note) in ours.items():
            if signal.getsignal(number) is note:
                signal.signal(number, before)


class _Aside(io.TextIOBase):
    """Stands for the standard output while a plugin loads: to close it closes nothing else."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        return int(self.stream.write(text))

    def flush(self) -> None:
        if not self.closed:
            self.stream.flush()


@contextmanager
def _streams_kept() -> Iterator[list[str]]:
    """Names the standard streams that are closed within the block, and opens them again."""
    closed: list[str] = []
    copies = {name: _copy(number) for name, number in STREAMS.items()}
    before = {name: getattr(sys, name) for name in STREAMS}
    aside = _Aside(sys.stderr)
    try:
        with redirect_stdout(aside):
            yield closed
    finally:
        if aside.closed:
            closed.append("stdout")
        for name, number in STREAMS.items():
            if _lost(name, number, before[name], copies[name]) and name not in closed:
                closed.append(name)


def _lost(name: str, number: int, stream: Any, copy: int | None) -> bool:
    """Whether a stream was closed or taken away; if so, it is open again."""
    lost = False
    if copy is not None:
        if _copy_closed(number):
            os.dup2(copy, number)
            lost = True
        os.close(copy)
    now = getattr(sys, name)
    if stream is not None and (now is None or getattr(now, "closed", False)):
        lost = True
        again = None if getattr(stream, "closed", False) else stream
        setattr(sys, name, again or os.fdopen(os.dup(number), "w", encoding="utf-8", errors="replace"))
    return lost


def _copy(number: int) -> int | None:
    try:
        return os.dup(number)
    except OSError:
        return None


def _copy_closed(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return True
    return False
