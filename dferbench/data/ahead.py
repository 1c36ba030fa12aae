"""Batches on their way to the device while it works on the ones before: copied on a stream of their own.

On a CPU nothing is copied, and nothing is read ahead.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import torch
from torch import Tensor

from dferbench.data.dataset import Loaded
from dferbench.data.pixels import each

T = TypeVar("T")

AHEAD = 2
"""Batches that the host may be ahead of a GPU. Each holds memory there, and more would hide nothing."""


def ahead(batches: Iterable[Loaded], device: torch.device) -> Iterator[Loaded]:
    """The same batches, their frames on the device: the copy of each begins before the last is worked on."""
    yield from one_ahead(batches, _Copies(device)) if device.type == "cuda" else batches


def one_ahead(items: Iterable[T], start: Callable[[T], Callable[[], T]]) -> Iterator[T]:
    """What `start` makes of each item; the next is started before one is handed out.

    `start(item)` begins to work and returns what ends the work and gives its result. What is raised for an
    item is raised when its turn comes, so that a loop sees the items before it.
    """
    iterator = iter(items)
    coming: Callable[[], T] | None = None
    started: Callable[[], T] | None
    failure: Exception | None = None
    while failure is None:
        try:
            started = start(next(iterator))
        except Exception as error:  # StopIteration is the usual one
            failure, started = error, None
        if coming is not None:
            yield coming()
        coming = started
    if not isinstance(failure, StopIteration):
        raise failure


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """A small tensor of the host on the device, without waiting for what the device is at."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


class _Copies:
    """Copies from pinned memory on a stream of their own, which the stream that computes waits for."""

    def __init__(self, device: torch.device) -> None:
        self._device, self._stream = device, torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._queued: deque[torch.cuda.Event] = deque()

    def __call__(self, loaded: Loaded) -> Callable[[], Loaded]:
        self._keep_pace()
        with torch.cuda.stream(self._stream):
            there = loaded.to(self._device)
            copied = self._stream.record_event()

        def arrived() -> Loaded:
            stream = torch.cuda.current_stream(self._device)
            stream.wait_event(copied)
            each(there.frames, lambda tensor: _in_use(tensor, stream))
            return there

        return arrived

    def _keep_pace(self) -> None:
        """Wait until the device has done all but the last steps: it is never idle, and batches do not pile
        up in its memory."""
        now = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        now.record(torch.cuda.current_stream(self._device))
        self._queued.append(now)
        if len(self._queued) > AHEAD:
            self._queued.popleft().synchronize()


def _in_use(tensor: Tensor, stream: torch.cuda.Stream) -> Tensor:
    """Its memory is not given to another copy before that stream is done with it."""
    tensor.record_stream(stream)
    return tensor
