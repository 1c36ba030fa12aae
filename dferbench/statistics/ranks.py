"""Many configurations over many test sets: whether their ranks differ by more than luck.

After Demsar, 2006, Statistical comparisons of classifiers over multiple data sets (JMLR 7): Friedman's test
of all, then Nemenyi's of every pair, or Wilcoxon's of every pair with Holm's correction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from dferbench.statistics.levels import quantile
from dferbench.statistics.paired import POWER
from dferbench.statistics.predictions import Floats

TESTS = ("nemenyi", "wilcoxon")


@dataclass(frozen=True)
class PairOfRanks:
    """Two configurations, by their places in the ranking's columns: `first` has the better mean rank.

    `effect` is the mean of first minus second over blocks, `p` corrected for the number of pairs, and
    `smallest` the least mean difference that so many blocks would show in 80 of 100 cases, by the t test.
    """

    first: int
    second: int
    effect: float
    p: float
    smallest: float | None


@dataclass(frozen=True)
class Ranking:
    """Mean ranks (1 is best) of k configurations over N blocks.

    `order` are the columns from best to worst, `statistic` and `p` are Friedman's (None for two columns),
    `critical` is Nemenyi's critical difference of mean ranks (None for Wilcoxon). `groups` are sets of
    columns, neighbours in rank, within which no pair differs at the level; single columns are left out.
    """

    ranks: tuple[float, ...]
    order: tuple[int, ...]
    blocks: int
    statistic: float | None
    p: float | None
    critical: float | None
    pairs: tuple[PairOfRanks, ...]
    groups: tuple[tuple[int, ...], ...]


def ranking(scores: Floats, level: float = 95.0, test: str = "nemenyi") -> Ranking:
    """The ranking of scores (N, k), of which higher is better, at a level in percent.

    Two columns are compared by Wilcoxon's test, whatever `test` says. Raises ValueError for fewer than two
    blocks or columns.
    """
    blocks, columns = scores.shape
    if blocks < 2 or columns < 2:
        raise ValueError(f"ranks need at least two blocks and two columns, got {blocks} and {columns}")
    ranked = ranks_of(scores)
    ranks = ranked.mean(0)
    order = [int(i) for i in np.argsort(ranks, kind="stable")]
    several = columns > 2
    alpha = 1 - level / 100
    by_nemenyi = several and test == "nemenyi"
    chosen = list(combinations(order, 2))
    p_values = (
        [nemenyi(float(ranks[b] - ranks[a]), blocks, columns) for a, b in chosen]
        if by_nemenyi
        else holm([wilcoxon(scores[:, a], scores[:, b]) for a, b in chosen])
    )
    pairs = [_pair(scores, a, b, p, level) for (a, b), p in zip(chosen, p_values, strict=True)]
    statistic, p = friedman(scores) if several else (None, None)
    critical = critical_difference(blocks, columns, alpha) if by_nemenyi else None
    return Ranking(
        tuple(map(float, ranks)),
        tuple(order),
        blocks,
        statistic,
        p,
        critical,
        tuple(pairs),
        _groups(order, pairs, alpha),
    )


def ranks_of(scores: Floats) -> Floats:
    """The rank of each score (N, k) in its row: 1 is the highest, equal ones share their mean rank."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(-scores, axis=1))


def friedman(scores: Floats) -> tuple[float, float]:
    """Friedman's statistic and its p: the chance of so unequal mean ranks if all columns were alike."""
    from scipy.stats import friedmanchisquare

    if not np.ptp(scores, axis=1).any():
        return 0.0, 1.0
    found = friedmanchisquare(*scores.T)
    return float(found.statistic), float(found.pvalue)


def critical_difference(blocks: int, columns: int, alpha: float = 0.05) -> float:
    """By how much mean ranks must differ, by Nemenyi's test: q sqrt(k (k + 1) / 6 N)."""
    from scipy.stats import studentized_range

    q = float(studentized_range.ppf(1 - alpha, columns, np.inf)) / 2**0.5
    return q * _error(blocks, columns)


def nemenyi(difference: float, blocks: int, columns: int) -> float:
    """The p of a difference of mean ranks, corrected for all pairs."""
    from scipy.stats import studentized_range

    q = abs(difference) / _error(blocks, columns) * 2**0.5
    return float(np.clip(studentized_range.sf(q, columns, np.inf), 0, 1))


def _error(blocks: int, columns: int) -> float:
    return float((columns * (columns + 1) / (6 * blocks)) ** 0.5)


def wilcoxon(a: Floats, b: Floats) -> float:
    """The two-sided p of Wilcoxon's signed-rank test; 1 if no block differs."""
    from scipy.stats import wilcoxon as test

    gain = np.round(a - b, 9)  # equal scores that were added in another order are equal
    return float(test(gain).pvalue) if gain.any() else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values corrected for how many there are (Holm, 1979), in the same order."""
    order = np.argsort(p_values, kind="stable")
    found, highest = [0.0] * len(p_values), 0.0
    for place, i in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[i]))
        found[i] = highest
    return found


def _pair(scores: Floats, first: int, second: int, p: float, level: float) -> PairOfRanks:
    gain = scores[:, first] - scores[:, second]
    freedom = len(gain) - 1.0
    error = float(np.std(gain, ddof=1)) / len(gain) ** 0.5
    smallest = (quantile(0.5 + level / 200, freedom) + quantile(POWER, freedom)) * error
    return PairOfRanks(first, second, float(gain.mean()), p, smallest)


def _groups(order: Sequence[int], pairs: Sequence[PairOfRanks], alpha: float) -> tuple[tuple[int, ...], ...]:
    """The longest stretches of `order` within which no pair differs."""
    apart = {(one.first, one.second) for one in pairs if one.p < alpha}
    found: list[tuple[int, ...]] = []
    for start in range(len(order)):
        end = start + 1
        while end < len(order) and not any((one, order[end]) in apart for one in order[start:end]):
            end += 1
        stretch = tuple(order[start:end])
        if len(stretch) > 1 and not any(set(stretch) <= set(other) for other in found):
            found.append(stretch)
    return tuple(found)
