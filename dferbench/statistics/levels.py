"""Videos, seeds and folds: what each adds to the uncertainty of a mean over runs.

The mean over runs varies with the videos that happened to be tested, which the bootstrap tells (all runs of a
fold together, as they share its videos); with the seeds, as far as runs of one fold differ by more than their
videos explain; and with the folds, from three of them on, if their means differ by more than both explain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dferbench.statistics.predictions import Floats, Ints

FEWEST_FOLDS = 3
"""Two folds say nothing of others: t with one degree of freedom is 12.7."""
ENOUGH_FOLDS, CLEARLY = 5, 1.25
"""From so many folds on, they count as unlike only if the variance between them is so many times what their
videos and seeds explain; with fewer, at any excess. See benchmarks/statistics/LOG.md for what either costs."""
MOST_UNDEFINED = 0.05
"""The share of draws in which a score may be undefined; they are left out."""


@dataclass(frozen=True)
class FoldScores:
    """A score of the runs of one fold: `observed` (runs,), and in draws of its videos, `draws` (B, runs).

    Where videos were drawn within classes, `recalls` (B, runs, C) are those of the draws, and `sizes` (C,)
    the numbers of videos: what a class with few videos adds to the variance is hardly known.
    """

    observed: Floats
    draws: Floats
    recalls: Floats | None = None
    sizes: Ints | None = None

    @property
    def moved(self) -> Floats:
        """How the mean of the runs moves in draws (B,)."""
        return np.asarray((self.draws - self.observed).mean(1))

    def unsure(self) -> float:
        """The sum over classes of v^2 / (n - 1), where v is what a class adds to the variance of the mean."""
        if self.recalls is None or self.sizes is None:
            return 0.0
        moved, recalls = self.moved, self.recalls.mean(1)
        varied = recalls.var(0)
        there = (self.sizes > 1) & (varied > 0)
        with_score = ((recalls - recalls.mean(0)) * (moved - moved.mean())[:, None]).mean(0)
        added = with_score[there] ** 2 / varied[there]
        return float((added**2 / (self.sizes[there] - 1)).sum())


@dataclass(frozen=True)
class Spread:
    """The mean over runs and how it varies.

    `deviations` (B,) are those of the mean in draws of videos; all levels together have the standard error
    `error`, with `freedom` degrees of freedom (inf for one that is as good as known).
    """

    mean: float
    deviations: Floats
    error: float
    freedom: float

    def interval(self, level: float) -> tuple[float, float]:
        """The bounds that `level` percent of repeated studies are to have around the truth.

        These are the quantiles of the draws of videos, so lopsided where those are, stretched to the standard
        error of all levels and by the quantile of Student's t over that of the normal distribution.
        """
        outside = (1 - level / 100) / 2
        draws = float(np.std(self.deviations))
        if not draws:
            reach = self.error * quantile(1 - outside, self.freedom)
            return self.mean - reach, self.mean + reach
        student = quantile(1 - outside, self.freedom) / quantile(1 - outside, np.inf)
        low, high = np.quantile(self.deviations, [outside, 1 - outside]) * student * self.error / draws
        return float(self.mean + low), float(self.mean + high)

    def p(self) -> float:
        """The two-sided p of the mean, were the truth 0."""
        from scipy.special import ndtr, stdtr

        if not self.error:
            return 0.0 if self.mean else 1.0
        size = -abs(self.mean) / self.error
        return float(2 * (ndtr(size) if np.isinf(self.freedom) else stdtr(self.freedom, size)))


def quantile(p: float, freedom: float) -> float:
    """Of Student's t distribution; with inf of the normal one."""
    from scipy.special import ndtri, stdtrit

    return float(ndtri(p) if np.isinf(freedom) else stdtrit(freedom, p))


def spread(folds: Sequence[FoldScores]) -> Spread | None:
    """The mean over all runs of all folds, each run counting alike. None where it is undefined."""
    defined = [_defined(one) for one in folds]
    kept = [one for one in defined if one]
    if not folds or len(kept) < len(folds):
        return None
    runs = sum(len(one.observed) for one in kept)
    weights = [len(one.observed) / runs for one in kept]
    moved = [one.moved for one in kept]
    videos = sum(w**2 * float(np.var(m)) for w, m in zip(weights, moved, strict=True))
    unsure = sum(w**4 * one.unsure() for w, one in zip(weights, kept, strict=True))
    error2, freedom = _with_seeds(kept, (videos, unsure), runs)
    means = [float(one.observed.mean()) for one in kept]
    if len(kept) >= FEWEST_FOLDS:
        between = float(np.var(means, ddof=1)) * sum(w**2 for w in weights)
        if between > error2 * (CLEARLY if len(kept) >= ENOUGH_FOLDS else 1):
            error2, freedom = between, len(kept) - 1.0
    mean = sum(w * m for w, m in zip(weights, means, strict=True))
    together = sum(w * m for w, m in zip(weights, moved, strict=True))
    return Spread(mean, np.asarray(together), error2**0.5, freedom)


def _defined(one: FoldScores) -> FoldScores | None:
    """The fold with what is undefined in few draws put at the mean of the others."""
    undefined = np.isnan(one.draws)
    if np.isnan(one.observed).any() or undefined.mean() > MOST_UNDEFINED:
        return None
    if not undefined.any():
        return one
    return replace(one, draws=np.where(undefined, np.nanmean(one.draws, axis=0), one.draws))


def _with_seeds(folds: Sequence[FoldScores], videos: tuple[float, float], runs: int) -> tuple[float, float]:
    """The variance of the mean from videos and seeds, and its degrees of freedom (Satterthwaite, 1946).

    Runs of a fold differ as they were trained with other seeds, and as they err on other videos of the same
    test set. The second part is in the draws already, so the variance between seeds counts beyond it.
    `videos` is the variance that the draws tell, and the sum of the squares of its parts, each over its
    degrees of freedom.
    """
    total, unsure = videos
    several = [one for one in folds if len(one.observed) > 1]
    if several:
        freedom = sum(len(one.observed) - 1 for one in several)
        between = sum(float(np.var(one.observed)) * len(one.observed) for one in several) / freedom
        moved = [one.draws - one.observed for one in several]
        explained = sum(float(np.var(m, axis=1).mean()) * m.shape[1] for m in moved) / freedom
        total += max(0.0, between - explained) / runs
        unsure += (between / runs) ** 2 / freedom
    return total, max(1.0, total**2 / unsure) if unsure else np.inf
