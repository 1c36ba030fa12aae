"""When memory ends: which batch would fit."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from dferbench.errors import DferbenchError
from dferbench.machine.memory import PeakMemory, free_bytes, is_out_of_memory

SHARE = 0.9
"""Of the free memory, what may be counted on: it breaks into pieces, and not every step takes the same."""
SMALLER_TRAINING = (
    "Compute it in parts, --set stage.accumulate=N, or use a smaller batch: --set stage.batch=N "
    "(recorded as a changed recipe)."
)
ELSEWHERE = "Free memory on the device, or use another --device."


@contextmanager
def room_for(
    videos: int,
    device: torch.device,
    again: Callable[[int], Any],
    way_out: str = SMALLER_TRAINING,
    whose: str = "",
) -> Iterator[None]:
    """Work on batches of so many videos, of which `again(n)` does once what takes memory, for n videos.

    Raises DferbenchError with the hint `way_out`, and how many would fit where that can be told, if memory
    ends in the block.
    """
    try:
        yield
        return
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        failure = error
    traceback.clear_frames(failure.__traceback__)  # which hold what was computed so far
    fits = batch_that_fits(again, videos, device)
    about = f" By an estimate from smaller batches, {fits} would fit." if fits else ""
    message = f"{whose}the device ran out of memory with a batch of {videos} video{'s' * (videos != 1)}"
    raise DferbenchError(message, way_out + about) from failure


def batch_that_fits(
    again: Callable[[int], Any], most: int, device: torch.device, free: int | None = None
) -> int | None:
    """How many videos, fewer than `most`, would fit into the `free` bytes, by default those of the device:
    what `again` takes for an eighth and a quarter of them, continued as a straight line. None if unknown."""
    few, more = max(most // 8, 1), max(most // 4, 2)
    try:
        gc.collect()
        again(few)  # what is only set up once counts for nothing
        first, second = (_peak(again, videos, device) for videos in (few, more))
        free = free_bytes(device) if free is None else free
    except Exception:  # memory has ended already: nothing that is only an estimate may hide that
        return None
    if first is None or second is None or free is None or second <= first:
        return None
    each = (second - first) / (more - few)
    fits = int((SHARE * free - (first - few * each)) / each)
    return min(fits, most - 1) if fits >= 1 and most > 1 else None


def _peak(again: Callable[[int], Any], videos: int, device: torch.device) -> int | None:
    memory = PeakMemory(device)
    again(videos)
    return memory.peak()
