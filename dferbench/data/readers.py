"""The processes that read videos for training: how they begin, what they send, and how they end or die."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any

import torch
from torch import Tensor
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from dferbench import stopping
from dferbench.data.dataset import Item, Loaded, collate
from dferbench.data.pixels import each
from dferbench.errors import DataError

SHARED = "/dev/shm"
"""Where Linux keeps the memory that processes share."""


MOMENT = 5
"""Seconds in which a reader has ended that hung up because it was ended."""


@dataclass(frozen=True)
class NoRoom:
    """What a reader sends in place of a batch that does not fit into shared memory: its bytes, and why."""

    size: int
    reason: str


def prepare(_: int) -> None:
    """Make this process a reader: its parent answers signals that reach the whole group, and ends it."""
    stopping.leave_to_parent()
    sys.excepthook = _tell_unless_parent_left
    torch.set_num_threads(1)


def _tell_unless_parent_left(
    kind: type[BaseException], error: BaseException, at: TracebackType | None
) -> None:
    """A parent that is interrupted while it takes a batch hangs up, and the thread that hands it over would
    print a traceback; what a reader raises goes to the parent, not through here."""
    if not isinstance(error, EOFError | ConnectionError):
        sys.__excepthook__(kind, error, at)


def collate_shared(items: Sequence[Item]) -> Loaded | NoRoom:
    """The batch in shared memory, put there now: torch does it in a thread, where a failure is told to nobody
    and the parent waits in vain."""
    loaded = collate(items)
    try:
        index = _shared(loaded.index)
        return replace(loaded, frames=each(loaded.frames, _shared), index=index)
    except (RuntimeError, OSError) as error:
        return NoRoom(_size(loaded.frames), str(error).splitlines()[0])


def _shared(tensor: Tensor) -> Tensor:
    return tensor.share_memory_()  # type: ignore[no-untyped-call, no-any-return]


def _size(videos: Any) -> int:
    return videos.nbytes if isinstance(videos, Tensor) else sum(map(_size, videos))


def taken(batches: Iterator[Loaded | NoRoom]) -> Iterator[Loaded]:
    """The batches of torch's iterator as they come.

    Raises DataError if a reader had no room for one, and RuntimeError, in words of torch, if a reader died
    while it handed one over: torch raises whatever was wrong with the connection then, as it knows only of
    processes whose end the system has told it.
    """
    while True:
        try:
            loaded = next(batches)
        except StopIteration:
            return
        except (ConnectionError, EOFError, FileNotFoundError) as error:
            if not _one_ends(batches):
                raise
            raise RuntimeError("DataLoader worker ended while it handed over a batch") from error
        yield _received(loaded)


def _one_ends(iterator: object) -> bool:
    """Whether a reader has ended, or does so in a moment."""
    if not isinstance(iterator, _MultiProcessingDataLoaderIter):
        return False
    ending = wait([reader.sentinel for reader in iterator._workers], MOMENT)
    for reader in iterator._workers:
        if reader.sentinel in ending:
            reader.join(MOMENT)  # it hangs up before it has an exit code
    return bool(ending)


def _received(loaded: Loaded | NoRoom) -> Loaded:
    """The batch. Raises DataError if the reader had no room for it."""
    if isinstance(loaded, NoRoom):
        raise DataError(
            f"a batch of {loaded.size / 1e6:.3g} MB does not go into shared memory{_room()}: {loaded.reason}",
            "Use --workers 0, which needs none, or fewer, or a smaller batch; a container may allow more: "
            "docker run --shm-size=2g.",
        )
    return loaded


def _room() -> str:
    """How full it is, where it is a folder."""
    if not os.path.isdir(SHARED):  # noqa: PTH112
        return ""
    usage = shutil.disk_usage(SHARED)
    return f" ({usage.free / 1e6:.3g} of {usage.total / 1e6:.3g} MB are free in {SHARED})"


@contextmanager
def startable(workers: int) -> Iterator[None]:
    """Raise DataError if the system refuses processes, or what they talk through."""
    try:
        if workers:
            multiprocessing.Lock()  # tried first, as torch prints a traceback of its own where there is none
        yield
    except OSError as error:
        raise DataError(
            f"the processes that read videos cannot be started: {error.strerror or error}",
            f"Use --workers 0, or check the limit of processes and that {SHARED} is writable and not full.",
        ) from error


def is_death(error: RuntimeError) -> bool:
    """Whether torch says so that a reader died or hangs; what a reader raised begins with "Caught"."""
    return str(error).startswith("DataLoader")


def death(error: RuntimeError, iterator: object) -> DataError:
    """A reader's death as an error with a way out. Raises the stop if it is a part of one.

    `iterator` is torch's, whose reader it may have been; it may have been another's, which only torch's words
    tell, since torch raises wherever this process happens to be.
    """
    stopping.check()
    words = str(error).splitlines()[0]
    codes = _codes(iterator)
    if -signal.SIGKILL in codes or "signal: Killed" in words:
        return DataError(
            "reading videos stopped: a process that reads them ended with SIGKILL",
            "The system kills processes when memory runs out: use fewer --workers or a smaller batch; "
            "--workers 0 shows whether it is a video.",
        )
    if codes:
        words = f"a process that reads them ended with {stopping.ended_by(min(codes))}"
    return DataError(f"reading videos stopped: {words}", "Use --workers 0 to see which video it is.")


def _codes(iterator: object) -> set[int]:
    """The exit codes of readers that ended by themselves and not well."""
    if not isinstance(iterator, _MultiProcessingDataLoaderIter):
        return set()
    return {reader.exitcode for reader in iterator._workers if reader.exitcode}


def end(iterator: _MultiProcessingDataLoaderIter) -> None:
    """End its readers, at last by SIGKILL: they are deaf to the signal by which torch ends one that hangs."""
    try:
        iterator._shutdown_workers()
    except RuntimeError as error:
        if not is_death(error):  # another reader died meanwhile, and all are to end
            raise
    finally:
        for reader in iterator._workers:
            if reader.is_alive():
                reader.kill()
            reader.join()
