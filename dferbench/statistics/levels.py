"""Videos, seeds and folds: what each adds to the uncertainty of a mean over runs.

The mean over runs varies with the videos that happened to be tested, which the bootstrap tells (all runs of a
fold together, as they share its videos); with the seeds, as far as runs of one fold differ by more than their
videos explain; and with the folds, from three of them on, if their means differ by more than both explain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dferbench.statistics.predictions import Floats

FEWEST_FOLDS = 3
"""Two folds say nothing of others: t with one degree of freedom is 12.7."""
MOST_UNDEFINED = 0.05
"""The share of draws in which a score may be undefined; they are left out."""


@dataclass(frozen=True)
class FoldScores:
    """A score of the runs of one fold: `observed` (runs,), and in draws of its videos, `draws` (B, runs)."""

    observed: Floats
    draws: Floats


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
    moved = [(one.draws - one.observed).mean(1) for one in kept]
    videos = sum(w**2 * float(np.var(m)) for w, m in zip(weights, moved, strict=True))
    error2, freedom = _with_seeds(kept, videos, runs)
    means = [float(one.observed.mean()) for one in kept]
    if len(kept) >= FEWEST_FOLDS:
        between = float(np.var(means, ddof=1)) * sum(w**2 for w in weights)
        if between > error2:
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
    return FoldScores(one.observed, np.where(undefined, np.nanmean(one.draws, axis=0), one.draws))


def _with_seeds(folds: Sequence[FoldScores], videos: float, runs: int) -> tuple[float, float]:
    """The variance of the mean from videos and seeds, and its degrees of freedom (Satterthwaite, 1946).

    Runs of a fold differ as they were trained with other seeds, and as they err on other videos of the same
    test set. The second part is in the draws already, so the variance between seeds counts beyond it.
    """
    freedom = sum(len(one.observed) - 1 for one in folds)
    if not freedom:
        return videos, np.inf
    several = [one for one in folds if len(one.observed) > 1]
    between = sum(float(np.var(one.observed)) * len(one.observed) for one in several) / freedom
    moved = [one.draws - one.observed for one in several]
    explained = sum(float(np.var(m, axis=1).mean()) * m.shape[1] for m in moved) / freedom
    total = videos + max(0.0, between - explained) / runs
    unsure = (between / runs) ** 2 / freedom
    return total, total**2 / unsure if unsure else np.inf
