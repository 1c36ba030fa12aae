"""Python's search for cycles, and when it is not worth its time."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused(*, keep: bool = False) -> Iterator[None]:
    """No cycles are searched for in this block; with `keep`, nor later in what is there at its end.

    While thousands of records are read and tables are made of them, each search would go through all that
    were read before, a fifth of the time of reading them, and find nothing: records hold no cycles. What is
    imported stays anyway. Commands keep both out of every search but the last: see `search_all`.
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


def search_all() -> None:
    """Search what was kept as well: at the end of a process, libraries in C++ complain of what is left."""
    gc.unfreeze()
