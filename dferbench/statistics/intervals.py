"""The interval of a metric over the runs of a configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dferbench.experiment.metrics import Metric
from dferbench.statistics.draws import answers_of, drawn, observed
from dferbench.statistics.levels import FEWEST_FOLDS, FoldScores, spread
from dferbench.statistics.predictions import RunPredictions, by_fold
from dferbench.statistics.scores import ScoreOf, recall_of, recalls, score_of

RESAMPLES = 2000
SEED = 0


@dataclass(frozen=True)
class Interval:
    """Where the truth lies in `level` percent of such studies, in the unit of the metric.

    `says` is a sentence on what the interval covers and what it does not.
    """

    low: float
    high: float
    level: float
    says: str


def interval(
    runs: Sequence[RunPredictions], metric: Metric, level: float = 95.0, resamples: int = RESAMPLES
) -> Interval | None:
    """The interval of the mean of `metric` over the runs; see `intervals`."""
    return intervals(runs, [metric], level, resamples)[metric.name]


def intervals(
    runs: Sequence[RunPredictions], metrics: Sequence[Metric], level: float = 95.0, resamples: int = RESAMPLES
) -> dict[str, Interval | None]:
    """The intervals of the means over the runs, by the names of the metrics; None where one is undefined.

    `level` is in percent, in (0, 100). The test videos of each fold are drawn again, all its runs together
    and folds apart: within classes for metrics that are means over classes, freely for others. Seeds and
    folds widen the interval as `levels` says. The same runs give the same interval, whatever their order.
    Raises ValueError if runs of a fold disagree on the label of a video.
    """
    folds = by_fold(runs)
    says = covered(runs)
    found: dict[str, Interval | None] = {}
    for by_class in (True, False):
        mine = [one for one in metrics if one.over_classes is by_class]
        scores = [fold_scores(f, [score_of(m) for m in mine], by_class, resamples) for f in folds.values()]
        for place, metric in enumerate(mine):
            found[metric.name] = _interval(metric, [one[place] for one in scores], level, says)
    return found


def recall_intervals(
    runs: Sequence[RunPredictions], level: float = 95.0, resamples: int = RESAMPLES
) -> list[Interval | None]:
    """The interval of the mean recall of each class over the runs, in percent, in the order of the classes.

    None for a class that some run was not tested on. Drawn and widened as in `intervals`; raises as it does.
    """
    of = [recall_of(label) for label in range(max(one.classes for one in runs))]
    folds = [fold_scores(mine, of, True, resamples) for mine in by_fold(runs).values()]
    says = covered(runs)
    return [_bounded([one[place] for one in folds], (0.0, 100.0), level, says) for place in range(len(of))]


def _interval(metric: Metric, folds: Sequence[FoldScores], level: float, says: str) -> Interval | None:
    return _bounded(folds, (metric.low, metric.high), level, says)


def _bounded(
    folds: Sequence[FoldScores], bounds: tuple[float | None, float | None], level: float, says: str
) -> Interval | None:
    known = spread(folds)
    if known is None:
        return None
    low, high = known.interval(level)
    low = low if bounds[0] is None else max(low, bounds[0])
    high = high if bounds[1] is None else min(high, bounds[1])
    if low == high:
        says += " It has no width as all draws of videos are alike: they are too few to tell."
    return Interval(low, high, level, says)


def fold_scores(
    runs: Sequence[RunPredictions], scores: Sequence[ScoreOf], by_class: bool, resamples: int = RESAMPLES
) -> list[FoldScores]:
    """Each score of the runs of one fold, observed and drawn.

    Of several runs whose videos are not known, draws are taken to be good or bad for all at once, which is
    the widest that they can be.
    """
    if len(runs) == 1 or all(one.ids is not None for one in runs):
        return _fold_scores(runs, scores, by_class, resamples)
    apart = [_fold_scores([one], scores, by_class, resamples) for one in runs]
    return [
        FoldScores(
            np.concatenate([one.observed for one in mine]),
            np.sort(np.concatenate([one.draws for one in mine], axis=1), axis=0),
        )
        for mine in zip(*apart, strict=True)
    ]


def _fold_scores(
    runs: Sequence[RunPredictions], scores: Sequence[ScoreOf], by_class: bool, resamples: int
) -> list[FoldScores]:
    if not scores:
        return []
    answers = answers_of(runs)
    rng = np.random.default_rng([SEED, runs[0].fold])
    batches = [
        ([score(tally) for score in scores], recalls(tally) if by_class else None)
        for tally in drawn(answers, resamples, rng, by_class=by_class)
    ]
    counted = observed(answers)
    sizes = np.bincount(answers.label, answers.count, minlength=answers.classes).astype(np.int64)
    by_run = np.concatenate([found for _, found in batches if found is not None]) if by_class else None
    return [
        FoldScores(score(counted), np.concatenate([found[place] for found, _ in batches]), by_run, sizes)
        for place, score in enumerate(scores)
    ]


def covered(runs: Sequence[RunPredictions]) -> str:
    """What an interval over these runs covers, in a sentence or two."""
    unknown = any(len(mine) > 1 and any(one.ids is None for one in mine) for mine in by_fold(runs).values())
    where = " Predictions are not kept, so all seeds are taken to err on the same videos." if unknown else ""
    return _covered(runs) + where


def _covered(runs: Sequence[RunPredictions]) -> str:
    seeds = max((len(mine) for mine in by_fold(runs).values()), default=0)
    folds = len({one.fold for one in runs})
    if folds < FEWEST_FOLDS:
        few = "there is one" if folds == 1 else "two are too few to tell"
        if seeds < 2:
            return f"Intervals cover other test videos, but not other seeds (there is one) or folds ({few})."
        return f"Intervals cover other test videos and seeds, but not other folds ({few})."
    if seeds < 2:
        return (
            "Intervals cover other test videos and folds; of other seeds, as there is one, only what makes "
            "folds differ."
        )
    return "Intervals cover other test videos, seeds and folds."
