"""Metrics over many confusion matrices at once: thousands of draws, where `Metric.of` takes one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from dferbench.experiment import metrics
from dferbench.experiment.counts import Counts
from dferbench.experiment.metrics import Metric
from dferbench.statistics.predictions import Floats


@dataclass(frozen=True)
class Tally:
    """Counts of many results: `confusion` is (..., C, C) with the truth in rows, `hits` (...) if known."""

    confusion: Floats
    hits: Floats | None = None


ScoreOf: TypeAlias = "Callable[[Tally], Floats]"
"""From a tally to the score of each result (...), in the metric's unit; NaN where it is undefined."""


def score_of(metric: Metric) -> ScoreOf:
    """The metric over tallies: in numpy for those of the host, one by one for a plugin's."""
    return _FAST.get(metric.function) or _one_by_one(metric)


def recall_of(label: int) -> ScoreOf:
    """The recall of one class, in percent."""

    def recall(tally: Tally) -> Floats:
        mine = tally.confusion[..., label, :]
        return np.asarray(100 * _share(mine[..., label], mine.sum(-1)))

    return recall


def _share(part: Floats, whole: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(whole > 0, part / whole, np.nan))


def _videos(tally: Tally) -> Floats:
    return np.asarray(tally.confusion.sum(-1))


def _right(tally: Tally) -> Floats:
    return np.diagonal(tally.confusion, axis1=-2, axis2=-1)


def _mean(shares: Floats) -> Floats:
    """Over the classes where it is defined, in percent."""
    there = ~np.isnan(shares)
    return 100 * _share(np.where(there, shares, 0).sum(-1), there.sum(-1))


def _uar(tally: Tally) -> Floats:
    return _mean(_share(_right(tally), _videos(tally)))


def _war(tally: Tally) -> Floats:
    return 100 * _share(_right(tally).sum(-1), _videos(tally).sum(-1))


def _f1(tally: Tally) -> Floats:
    videos = _videos(tally)
    found = _share(2 * _right(tally), videos + tally.confusion.sum(-2))
    return np.where(videos > 0, found, np.nan)


def _macro_f1(tally: Tally) -> Floats:
    return _mean(_f1(tally))


def _weighted_f1(tally: Tally) -> Floats:
    videos = _videos(tally)
    weighted = np.where(videos > 0, _f1(tally) * videos, 0).sum(-1)
    return 100 * _share(weighted, videos.sum(-1))


def _top2(tally: Tally) -> Floats:
    total = _videos(tally).sum(-1)
    return np.full(total.shape, np.nan) if tally.hits is None else 100 * _share(tally.hits, total)


_FAST: dict[metrics.Function, ScoreOf] = {
    metrics.uar: _uar,
    metrics.war: _war,
    metrics.macro_f1: _macro_f1,
    metrics.weighted_f1: _weighted_f1,
    metrics.top2: _top2,
}


def _one_by_one(metric: Metric) -> ScoreOf:
    def scores(tally: Tally) -> Floats:
        shape = tally.confusion.shape
        matrices = np.rint(tally.confusion).astype(np.int64).reshape(-1, *shape[-2:]).tolist()
        hits = (
            [None] * len(matrices)
            if tally.hits is None
            else np.rint(tally.hits).astype(np.int64).ravel().tolist()
        )
        found = [metric.of(Counts(m, top2=h)) for m, h in zip(matrices, hits, strict=True)]
        return np.array([np.nan if value is None else value for value in found]).reshape(shape[:-2])

    return scores
