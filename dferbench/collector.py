"""Python's search for cycles, and when it is not worth its time."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused(*, keep: bool = False) -> Iterator[None]:
    """No cycles are searched for in this block; with `keep`, what is there at its end never is again.

    While thousands of records are read and tables are made of them, each search would go through all that
    were read before, a fifth of the time of reading them, and find nothing: records hold no cycles. What is
    imported stays anyway. A command keeps both, as its process ends soon, with a last search through all.
    """
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if keep:
            gc.freeze()
        if on:
            gc.enable()
