"""A metric over runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev


@dataclass(frozen=True)
class Score:
    """A metric in percent over runs: mean, sample standard deviation (None for one run), number of runs."""

    mean: float
    spread: float | None
    runs: int

    def __str__(self) -> str:
        return f"{self.mean:.2f}" if self.spread is None else f"{self.mean:.2f} ± {self.spread:.2f}"


def score(values: Sequence[float]) -> Score:
    """The score of one value a run; there must be at least one."""
    return Score(fmean(values), stdev(values) if len(values) > 1 else None, len(values))
