"""Two models on the same videos: is the difference more than the luck of which videos were drawn?

McNemar's exact test looks only at the videos on which the models disagree; the intervals come from drawing
the videos again with replacement, both models together (paired bootstrap, percentile method).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dferbench.errors import ConfigError
from dferbench.experiment.record import Record
from dferbench.report.predictions import read_predictions

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Paired:
    """The shared test videos: label by name index (N,), and whether each model was right (N,)."""

    label: NDArray[np.int64]
    a: Bools
    b: Bools


def read_paired(a: Record, b: Record, folders: tuple[Path, Path]) -> Paired:
    """The videos that are in both predictions. Raises DataError or ConfigError if there is none."""
    (left, right) = (_read(one, folder) for one, folder in zip((a, b), folders, strict=True))
    shared = [name for name in left if name in right]
    if not shared:
        raise ConfigError("no video is in both predictions", "Compare runs on the same data.")
    odd = next((name for name in shared if left[name][0] != right[name][0]), None)
    if odd is not None:
        raise ConfigError(f"'{odd}' has different labels in the two runs", "Compare runs on the same labels.")
    classes = sorted({left[name][0] for name in shared})
    label = np.array([classes.index(left[name][0]) for name in shared], dtype=np.int64)
    hit_a, hit_b = (np.array([side[name][1] for name in shared], dtype=bool) for side in (left, right))
    return Paired(label, hit_a, hit_b)


def _read(one: Record, folder: Path) -> dict[str, tuple[str, bool]]:
    """Per id the name of its class and whether it was recognised."""
    found = read_predictions(one, folder)
    right = found.logits.argmax(1) == found.labels
    names = [one.classes[label] for label in found.labels]
    return {i: (name, bool(hit)) for i, name, hit in zip(found.ids, names, right, strict=True)}


def mcnemar(paired: Paired) -> dict[str, Any]:
    """Exact two-sided p of as uneven a split of the disagreements, were both models equally good."""
    from scipy.stats import binomtest

    only_a, only_b = int((paired.a & ~paired.b).sum()), int((paired.b & ~paired.a).sum())
    p = float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0
    return {"only_a": only_a, "only_b": only_b, "p": p}


def intervals(paired: Paired, resamples: int = 2000, level: float = 0.95) -> dict[str, tuple[float, float]]:
    """Bootstrap intervals of b minus a in points, for UAR and WAR; the draws are always the same."""
    from scipy.stats import bootstrap

    data = (paired.label, paired.a.astype(np.int64), paired.b.astype(np.int64))
    classes = int(np.max(paired.label)) + 1
    found = {}
    for name, statistic in (("uar", _uar_gain(classes)), ("war", _war_gain)):
        result = bootstrap(
            data,
            statistic,
            paired=True,
            vectorized=True,
            n_resamples=resamples,
            batch=100,
            confidence_level=level,
            method="percentile",
            rng=np.random.default_rng(0),
        )
        low, high = result.confidence_interval
        found[name] = (float(low), float(high))
    return found


def _war_gain(label: Any, a: Any, b: Any, axis: int = -1) -> Any:
    return 100 * (b - a).mean(axis=axis)


def _uar_gain(classes: int) -> Any:
    """Mean over the classes that were drawn of the difference of their recalls."""

    def gain(label: Any, a: Any, b: Any, axis: int = -1) -> Any:
        total, present = 0.0, 0.0
        for k in range(classes):
            mine = label == k
            count = mine.sum(axis=axis)
            total = total + np.where(mine, b - a, 0).sum(axis=axis) / np.maximum(count, 1)
            present = present + (count > 0)
        return 100 * total / present

    return gain
