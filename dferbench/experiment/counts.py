"""What metrics are computed from: integers, counted once and kept. Nothing here rounds or estimates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_ANSWER = "no answer"
"""The class behind the others of a record whose test has videos without an answer, as outside predictions may
have: no video is of it, so that such videos count as wrong and as nothing else."""
Confusion = Sequence[Sequence[int]]
"""(C, C) numbers of videos; a row is a true class, a column a predicted one."""


@dataclass(frozen=True)
class Counts:
    """What a model did on test videos.

    `confusion` is (C, C) with the truth in rows, `classes` names its rows and columns (empty where nobody
    names them), and `top2` is how many videos had their class among the two with the highest logits (None
    where that was not counted). Sums are kept once somebody has asked for them, as each metric does.
    """

    confusion: Confusion
    classes: tuple[str, ...] = ()
    top2: int | None = None

    @cached_property
    def total(self) -> int:
        """How many videos were tested."""
        return sum(self.videos)

    @cached_property
    def correct(self) -> int:
        """How many of them were recognised."""
        return sum(row[k] for k, row in enumerate(self.confusion))

    @cached_property
    def videos(self) -> list[int]:
        """Per class, how many of its videos were tested."""
        return [sum(row) for row in self.confusion]

    @cached_property
    def recalls(self) -> list[float | None]:
        """Per class, the share of its videos that were recognised (0..1), None for one without videos."""
        tested = zip(self.confusion, self.videos, strict=True)
        return [row[k] / videos if videos else None for k, (row, videos) in enumerate(tested)]

    @cached_property
    def f1_scores(self) -> list[float | None]:
        """Per class, the harmonic mean of recall and precision, 2 TP / (2 TP + FN + FP) (0..1).

        0 for a class with videos that was never predicted, None for one without videos.
        """
        predicted = map(sum, zip(*self.confusion, strict=True))
        tested = zip(self.confusion, self.videos, predicted, strict=True)
        return [2 * row[k] / (n + m) if n else None for k, (row, n, m) in enumerate(tested)]

    @property
    def untested(self) -> tuple[str, ...]:
        """The names of the classes without test videos, which means over classes leave out."""
        names = self.classes or tuple(map(str, range(len(self.confusion))))
        pairs = zip(names, self.videos, strict=True)
        return tuple(name for name, videos in pairs if not videos and name != NO_ANSWER)


def precisions(confusion: Confusion) -> list[float | None]:
    """Per class, the share of the videos predicted as it that are of it (0..1), or None if none was."""
    return [_share(column[k], sum(column)) for k, column in enumerate(zip(*confusion, strict=True))]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def pool(counts: Sequence[Counts]) -> Counts:
    """The sum of counts over the same classes: all folds' predictions counted as one test set."""
    classes = max((one.classes for one in counts), key=len)
    rows = zip(*(_as_large(one.confusion, len(classes)) for one in counts), strict=True)
    confusion = [[sum(cells) for cells in zip(*mine, strict=True)] for mine in rows]
    hits = [one.top2 for one in counts if one.top2 is not None]
    return Counts(confusion, classes, sum(hits) if len(hits) == len(counts) else None)


def _as_large(confusion: Confusion, classes: int) -> Confusion:
    """The matrix with room for NO_ANSWER, which some folds have and others not."""
    if len(confusion) + 1 != classes:
        return confusion
    return [*([*row, 0] for row in confusion), [0] * classes]


def top2_hits(logits: NDArray[Any], labels: NDArray[Any]) -> int:
    """How many of N videos have their class among the two with the highest logits; see `is_top2`."""
    return int(is_top2(logits, labels).sum())


def is_top2(logits: NDArray[Any], labels: NDArray[Any]) -> NDArray[Any]:
    """Whether each of N videos has its class among the two with the highest logits, (N,).

    `logits` is (N, C), `labels` (N,) of whole numbers in [0, C). Of equal logits the earlier class comes
    first, as for the prediction itself, and NaN counts as the highest, as argmax has it; so a video that was
    recognised is always among them.
    """
    import numpy as np

    ranked = np.argsort(-np.where(np.isnan(logits), np.inf, logits), axis=1, kind="stable")
    found: NDArray[Any] = (ranked[:, :2] == labels[:, None]).any(axis=1)
    return found
