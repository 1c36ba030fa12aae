"""WAR, UAR and recalls, from a confusion matrix of integers (rows: truth, columns: prediction)."""

from __future__ import annotations

from collections.abc import Sequence

Confusion = Sequence[Sequence[int]]


def recalls(confusion: Confusion) -> list[float | None]:
    """Per class, the share of its videos that were recognised (0..1), or None for a class without videos."""
    return [row[k] / sum(row) if sum(row) else None for k, row in enumerate(confusion)]


def uar(confusion: Confusion) -> float:
    """Unweighted average recall in percent: the mean recall over the classes that have videos.

    A class that was predicted but has no video does not count; a macro average would count it as 0.
    """
    present = [r for r in recalls(confusion) if r is not None]
    return 100 * sum(present) / len(present) if present else 0.0


def war(confusion: Confusion) -> float:
    """Weighted average recall in percent: the share of all videos recognised, which is accuracy."""
    total = sum(map(sum, confusion))
    return 100 * sum(row[k] for k, row in enumerate(confusion)) / total if total else 0.0


def pool(confusions: Sequence[Confusion]) -> list[list[int]]:
    """The sum of confusion matrices of one shape: all folds' predictions counted as one test set."""
    return [[sum(cells) for cells in zip(*rows, strict=True)] for rows in zip(*confusions, strict=True)]
