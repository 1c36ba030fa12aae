"""Two configurations on the same videos: by how much their scores differ, and how sure that is.

Draws take a video with the answers of both, so that what is hard for both does not count; seeds and folds
widen the interval of the difference as they do that of a score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dferbench.statistics.intervals import RESAMPLES, fold_scores
from dferbench.statistics.levels import FoldScores, Spread, quantile, spread
from dferbench.statistics.predictions import Floats, RunPredictions, by_fold
from dferbench.statistics.scores import ScoreOf

Pair = tuple[RunPredictions, RunPredictions]
"""Run A and run B of the same fold and seed."""
POWER = 0.8


@dataclass(frozen=True)
class Difference:
    """B minus A, in the unit of the score.

    `low` and `high` bound it at `level` percent. `p` is the chance of so large a difference if there were
    none. `smallest` is the least true difference that such a study would show in 80 of 100 cases.
    """

    effect: float
    low: float
    high: float
    level: float
    p: float
    smallest: float


@dataclass(frozen=True)
class Mcnemar:
    """Videos on which one alone is right, and the exact two-sided p of as uneven a split by chance.

    With several seeds a video counts for whoever is right with more of them. `more` is by how many videos B
    is ahead, as a mean over seeds; `videos` is how many both were tested on.
    """

    videos: int
    only_a: int
    only_b: int
    more: float
    p: float


def pairs_of(a: Sequence[RunPredictions], b: Sequence[RunPredictions]) -> list[Pair]:
    """The runs of the same fold and seed, on the videos that all runs of their fold tested.

    Raises ValueError if the videos of a run are not known.
    """
    left, right = ({(one.fold, one.seed): one for one in side} for side in (a, b))
    both = sorted(left.keys() & right.keys())
    found: list[Pair] = []
    for fold in dict.fromkeys(fold for fold, _ in both):
        keys = [key for key in both if key[0] == fold]
        runs = [side[key] for key in keys for side in (left, right)]
        kept = _on_shared(runs)
        found += list(zip(kept[::2], kept[1::2], strict=True))
    return found


def _on_shared(runs: Sequence[RunPredictions]) -> list[RunPredictions]:
    sets = [set(one.ids) for one in runs if one.ids is not None]
    if len(sets) < len(runs):
        raise ValueError("runs without ids cannot be paired")
    shared = set.intersection(*sets)
    return [one.where(np.array([name in shared for name in one.ids or ()], dtype=bool)) for one in runs]


def differences(
    pairs: Sequence[Pair],
    scores: Mapping[str, ScoreOf],
    *,
    by_class: bool,
    level: float = 95.0,
    resamples: int = RESAMPLES,
) -> dict[str, Difference | None]:
    """B minus A in every score; None where a score is undefined.

    `by_class` draws videos within classes, as scores want it that are made of the recalls of classes.
    """
    folds = [_fold(mine, scores, by_class, resamples) for mine in _by_fold(pairs)]
    return {
        name: _difference(spread([one[place] for one in folds]), level) for place, name in enumerate(scores)
    }


def _by_fold(pairs: Sequence[Pair]) -> list[list[RunPredictions]]:
    """Per fold the runs of A by seed, then those of B."""
    left, right = (by_fold([pair[side] for pair in pairs]) for side in (0, 1))
    return [[*left[fold], *right[fold]] for fold in left]


def _fold(
    runs: Sequence[RunPredictions], scores: Mapping[str, ScoreOf], by_class: bool, resamples: int
) -> list[FoldScores]:
    seeds = len(runs) // 2
    found = fold_scores(runs, list(scores.values()), by_class, resamples)
    return [FoldScores(_gain(one.observed, seeds), _gain(one.draws, seeds)) for one in found]


def _gain(values: Floats, seeds: int) -> Floats:
    return np.asarray(values[..., seeds:] - values[..., :seeds])


def _difference(found: Spread | None, level: float) -> Difference | None:
    if found is None:
        return None
    low, high = found.interval(level)
    needed = quantile(0.5 + level / 200, found.freedom) + quantile(POWER, found.freedom)
    return Difference(found.mean, low, high, level, found.p(), needed * found.error)


def mcnemar(pairs: Sequence[Pair]) -> Mcnemar:
    """McNemar's exact test, videos of all folds pooled; see `Mcnemar`."""
    from scipy.stats import binomtest

    ahead = np.concatenate([_ahead(mine) for mine in _by_fold(pairs)]) if pairs else np.zeros(0)
    only_a, only_b = int((ahead < 0).sum()), int((ahead > 0).sum())
    p = float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0
    return Mcnemar(len(ahead), only_a, only_b, float(ahead.sum()), p)


def _ahead(runs: Sequence[RunPredictions]) -> Floats:
    """Per video the share of seeds with which B is right, minus that of A."""
    seeds, total = len(runs) // 2, np.zeros(len(runs[0].labels))
    for place, one in enumerate(runs):
        order = np.argsort(np.asarray(one.ids))
        total += (one.labels == one.predicted)[order] * (1 if place >= seeds else -1)
    return total / seeds
