"""Parts of a test set: the metric on each, and whether the parts differ by more than luck.

The test permutes which part a video belongs to, within the videos of its fold and class. So it asks: given
its class, does the part matter? Parts that merely hold more of a difficult class do not differ by it. Every
run's answers on a video stay together, and the statistic is the largest gap between two parts, so that many
parts are no excuse for a large one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dferbench.experiment.metrics import Metric
from dferbench.statistics.intervals import Interval, intervals
from dferbench.statistics.predictions import Floats, Ints, RunPredictions
from dferbench.statistics.scores import ScoreOf, Tally, score_of

FEWEST = 20
"""Videos below which a part is shown, but neither given an interval nor tested: an interval of ten videos
spans sixty points."""
PERMUTATIONS = 2000


@dataclass(frozen=True)
class Slice:
    """One part: its number of test videos, how many classes they have, and per metric the mean over seeds and
    its interval (None where it is undefined or the part too small)."""

    name: str
    videos: int
    classes: int
    scores: dict[str, float | None]
    intervals: dict[str, Interval | None]

    @property
    def too_small(self) -> bool:
        """Whether its videos are too few to say anything."""
        return self.videos < FEWEST


@dataclass(frozen=True)
class Gap:
    """The largest difference of a metric between two parts that are large enough, and its p, uncorrected."""

    best: str
    worst: str
    size: float
    p: float


def pooled(runs: Sequence[RunPredictions]) -> list[RunPredictions]:
    """The runs of each seed as one, over the test videos of all their folds; ids become fold and id.

    A part may have no video at all in some fold, and a mean over classes needs them together.
    """
    return [_one([run for run in runs if run.seed == seed]) for seed in sorted({run.seed for run in runs})]


def _one(runs: Sequence[RunPredictions]) -> RunPredictions:
    ids = [f"{run.fold}/{name}" for run in runs for name in run.ids or ()]
    hits = [run.hits for run in runs if run.hits is not None]
    return replace(
        runs[0],
        fold=0,
        labels=np.concatenate([run.labels for run in runs]),
        predicted=np.concatenate([run.predicted for run in runs]),
        ids=ids,
        hits=np.concatenate(hits) if len(hits) == len(runs) else None,
    )


def part_of(name: str, runs: Sequence[RunPredictions], metrics: Sequence[Metric]) -> Slice:
    """A part from its pooled runs, which hold the videos of that part alone."""
    known = {i: int(label) for run in runs for i, label in zip(run.ids or (), run.labels, strict=True)}
    found = [run for run in runs if len(run.labels)]
    scores = {m.name: _mean(found, score_of(m)) for m in metrics}
    small = len(known) < FEWEST
    sure = dict.fromkeys(scores) if small else intervals(found, list(metrics))
    return Slice(name, len(known), len(set(known.values())), scores, sure)


def _mean(runs: Sequence[RunPredictions], score: ScoreOf) -> float | None:
    values = [float(score(_tally(run, np.zeros(len(run.labels), np.int64), 1))[0]) for run in runs]
    mean = float(np.mean(values)) if values else float("nan")
    return None if np.isnan(mean) else mean


def _tally(run: RunPredictions, part: Ints, parts: int) -> Tally:
    """The counts of each part, confusion (parts, C, C); videos of part -1 are left out."""
    inside, size = part >= 0, run.classes
    code = (part * size + run.labels) * size + run.predicted
    counts = np.bincount(code[inside], minlength=parts * size**2).reshape(parts, size, size)
    hits: Floats | None = None
    if run.hits is not None:
        hits = np.bincount(part[inside], run.hits[inside], minlength=parts).astype(np.float64)
    return Tally(counts.astype(np.float64), hits)


def gap_of(
    runs: Sequence[RunPredictions],
    part: dict[str, int],
    names: Sequence[str],
    metric: Metric,
    permutations: int = PERMUTATIONS,
) -> Gap | None:
    """The largest gap between the parts `names` of pooled runs, where `part` has the place in `names` of
    every id that is in one; None for fewer than two parts or an undefined metric.

    The same runs give the same p, whatever their order. p counts the gap itself as one of the permutations
    (Phipson and Smyth, 2010), so the least that is possible is 1 / (permutations + 1).
    """
    if len(names) < 2:
        return None
    score = score_of(metric)
    ids = sorted({i for run in runs for i in run.ids or () if i in part})
    place = {name: k for k, name in enumerate(ids)}
    where = [np.array([place.get(i, -1) for i in run.ids or ()]) for run in runs]
    own = np.array([part[name] for name in ids])

    def scored(parts: Ints) -> Floats:
        spread = [np.where(w >= 0, parts[w], -1) for w in where]
        pairs = zip(runs, spread, strict=True)
        return np.asarray(np.mean([score(_tally(run, at, len(names))) for run, at in pairs], axis=0))

    first = scored(own)
    if np.isnan(first).any():
        return None
    size, rng = float(np.ptp(first)), np.random.default_rng(0)
    strata = _strata(runs, ids)
    larger = 0
    for _ in range(permutations):
        found = scored(_permuted(own, strata, rng))
        larger += not np.ptp(found) < size - 1e-9  # what is undefined speaks for luck
    best, worst = int(np.argmax(metric_sign(metric) * first)), int(np.argmin(metric_sign(metric) * first))
    return Gap(names[best], names[worst], size, (1 + larger) / (1 + permutations))


def metric_sign(metric: Metric) -> int:
    """1 if more is better, -1 if less is."""
    return 1 if metric.higher_is_better else -1


def _strata(runs: Sequence[RunPredictions], ids: Sequence[str]) -> Ints:
    """Per id the number of its fold and class."""
    label = {i: int(of) for run in runs for i, of in zip(run.ids or (), run.labels, strict=True)}
    keys = [(name.split("/", 1)[0], label[name]) for name in ids]
    return np.unique([f"{fold} {of}" for fold, of in keys], return_inverse=True)[1]


def _permuted(part: Ints, strata: Ints, rng: np.random.Generator) -> Ints:
    """The parts exchanged at random among the videos of each stratum."""
    mixed = np.empty_like(part)
    mixed[np.lexsort((rng.random(len(part)), strata))] = part[np.argsort(strata, kind="stable")]
    return mixed
