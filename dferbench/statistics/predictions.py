"""What the runs of a configuration predicted: the only thing that intervals and tests are computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.integer[Any]]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RunPredictions:
    """The test videos of one run, in any order.

    `labels` and `predicted` are (N,), in [0, classes). `ids` are (N,) and match the videos of runs of the
    same fold; None says that it is not known which videos they are. `hits` are (N,): whether the class is
    among the two with the highest logits; only metrics made of top-2 hits need it.
    """

    fold: int
    seed: int
    classes: int
    labels: Ints
    predicted: Ints
    ids: Sequence[str] | None = None
    hits: Bools | None = None

    def where(self, mask: Bools) -> RunPredictions:
        """The videos for which `mask` (N,) is true."""
        ids = None if self.ids is None else [one for one, kept in zip(self.ids, mask, strict=True) if kept]
        hits = None if self.hits is None else self.hits[mask]
        return replace(self, labels=self.labels[mask], predicted=self.predicted[mask], ids=ids, hits=hits)


def of_confusion(
    fold: int, seed: int, confusion: Sequence[Sequence[int]], top2: int | None = None
) -> RunPredictions:
    """A run of which only counts were kept: which videos are behind them is not known.

    `confusion` is (C, C) with the truth in rows; `top2` is how many videos had their class among the two with
    the highest logits, of which those that were recognised are the first.
    """
    counts = np.asarray(confusion, dtype=np.int64)
    truth, said = np.indices(counts.shape)
    labels, predicted = (np.repeat(side.ravel(), counts.ravel()) for side in (truth, said))
    hits = None
    if top2 is not None:
        right = labels == predicted
        hits = right | ((np.cumsum(~right) <= top2 - right.sum()) & ~right)
    return RunPredictions(fold, seed, len(counts), labels, predicted, None, hits)


def by_fold(runs: Sequence[RunPredictions]) -> dict[int, list[RunPredictions]]:
    """The runs of each fold, folds and seeds in ascending order."""
    ordered = sorted(runs, key=lambda one: (one.fold, one.seed))
    return {
        fold: [one for one in ordered if one.fold == fold] for fold in dict.fromkeys(r.fold for r in ordered)
    }
