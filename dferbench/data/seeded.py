"""Transforms of other libraries as changes of a video: their chance is fixed by a seed that we draw.

The libraries draw from generators that belong to the whole process. A change sets them while it is applied
and puts them back, so that it does the same wherever, whenever and how often it is applied.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
import torch
from torch import Tensor


class Builds(Protocol):
    """An operation that can build the transform it stands for; hashable, so that it is built only once."""

    def build(self) -> Callable[[Tensor], Tensor]:
        """A transform of (T, 3, H, W) uint8 that keeps shape and type, and draws once for all frames."""
        ...

    def __hash__(self) -> int:
        """Of its options."""
        ...


@dataclass(frozen=True, slots=True)
class Seeded:
    """A transform with its chance fixed."""

    op: Builds
    seed: int

    def __call__(self, frames: Tensor) -> Tensor:
        """(T, 3, H, W) uint8 -> the same shape and type."""
        with fixed(self.seed):
            return _built(self.op)(frames)


@contextmanager
def fixed(seed: int) -> Iterator[None]:
    """Within the block, the global generators of Python, NumPy and torch (on the CPU) start from `seed`."""
    python, numpy_ = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        reseed(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy_)


def reseed(seed: int) -> None:
    """Start the three generators from `seed`; to be used within `fixed`."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    # Not torch.manual_seed, which would reach the generators of accelerators too.
    torch.default_generator.manual_seed(seed)


@cache
def _built(op: Builds) -> Callable[[Tensor], Tensor]:
    return op.build()
