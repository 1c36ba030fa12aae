"""Being asked to end: Ctrl-C and SIGTERM as a flag that loops read.

A signal may arrive anywhere, also where an exception is lost: in a callback of a library, in `__del__`,
between fork and return. So the handler sets a flag first, and then raises, so that what takes long is left at
once. Loops over batches, epochs, runs and rows ask `check`, which raises again what was lost; and whatever
falls over once the flag is set is the stop. Without `listen`, in a program that uses dferbench as a library,
nothing is ever asked for.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

PATIENCE = 10.0
"""Seconds for which further signals are not heeded, so that nothing interrupts the clearing up."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)
PR_SET_PDEATHSIG = 1
"""prctl(2): send this process a signal when its parent ends."""


class Stopped(BaseException):
    """The process was asked to end (SIGTERM); what was finished is kept and the same command continues."""


@dataclass
class _Asked:
    """The signal that came first, and when; `process` is the one that listens, not a fork of it."""

    number: int = 0
    when: float = 0.0
    process: int = 0


_asked = _Asked()


def listen() -> None:
    """Heed SIGTERM and Ctrl-C from now on; a process that was started deaf to Ctrl-C stays so."""
    _asked.number, _asked.process = 0, os.getpid()
    signal.signal(signal.SIGTERM, _heed)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _heed)


def listen_below_parent() -> None:
    """The same in a process that its parent started while signals were `held`; it is asked to end (SIGTERM)
    when the parent's process ends, however it does."""
    import multiprocessing  # here, as a command that starts nothing does without

    listen()
    parent = multiprocessing.parent_process()
    _end_with_parent(signal.SIGTERM)
    _let_come()
    if parent is not None and parent.pid != os.getppid() and os.name == "posix":
        stop()  # it ended before that


def stop() -> NoReturn:
    """End as by SIGTERM."""
    _asked.number, _asked.when = _asked.number or signal.SIGTERM, time.monotonic()
    raise Stopped


def asked() -> bool:
    """Whether this process was asked to end."""
    return bool(_asked.number)


def check() -> None:
    """Raise Stopped, or KeyboardInterrupt after Ctrl-C, if this process was asked to end."""
    if _asked.number:
        raise KeyboardInterrupt if _asked.number == signal.SIGINT else Stopped


def wait_for_signal(seconds: float = 1.0) -> None:
    """Raise as `check` does if this process is asked to end within that time.

    For when another process of the group was ended by a signal that may be about to arrive here.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        check()
        time.sleep(0.01)


def conclude(code: int) -> None:
    """The exit code is known: from here on a signal ends the process at once, with that code."""

    def leave(*_: object) -> None:
        if os.getpid() == _asked.process:
            with suppress(Exception):
                sys.stdout.flush()
            os._exit(code)

    for number in SIGNALS:
        if signal.getsignal(number) is _heed:
            signal.signal(number, leave)


@contextmanager
def held(signals: tuple[signal.Signals, ...] = SIGNALS) -> Iterator[None]:
    """These signals wait until the block ends; what it starts keeps them waiting until `leave_to_parent`.

    So no signal is lost in a fork, nor tells of itself in a process that does not yet know what to do.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def leave_to_parent(*, sigterm: bool = True) -> None:
    """Make this process deaf to what its parent answers, and let it end with a parent that is killed.

    With `sigterm` false SIGTERM ends it, for a parent that ends its processes so.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A handler in Python runs between two of its instructions, which a decoder that hangs never reaches.
    signal.signal(signal.SIGTERM, signal.SIG_IGN if sigterm else signal.SIG_DFL)
    # A thread never runs while a decoder hangs with the interpreter's lock; the kernel needs no lock.
    _end_with_parent(signal.SIGKILL)
    _let_come()


def _end_with_parent(number: signal.Signals) -> None:
    """Linux sends this process the signal when its parent ends."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


def _let_come() -> None:
    """Take the signals that waited, and those to come."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def ended_by(code: int) -> str:
    """The name of the signal that ended a process with that exit code, or the code."""
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"exit code {code}"


def _heed(number: int, _: FrameType | None) -> None:
    if os.getpid() != _asked.process:
        return  # a fork that has no handler of its own yet: its parent answers
    if not _asked.number:
        _asked.number, _asked.when = number, time.monotonic()
        check()
    elif time.monotonic() - _asked.when > PATIENCE:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
