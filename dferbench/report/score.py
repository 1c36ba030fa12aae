"""A metric over runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev


@dataclass(frozen=True)
class Score:
    """A metric over runs, in its unit: mean, sample standard deviation (None for one run), number of runs."""

    mean: float
    spread: float | None
    runs: int

    def __str__(self) -> str:
        return f"{self.mean:.2f}" if self.spread is None else f"{self.mean:.2f} ± {self.spread:.2f}"


def score(values: Sequence[float | None]) -> Score | None:
    """One value for each run as a score; None if any run lacks it: a mean of some is another number."""
    there = [value for value in values if value is not None]
    if not there or len(there) < len(values):
        return None
    return Score(fmean(there), stdev(there) if len(there) > 1 else None, len(there))
