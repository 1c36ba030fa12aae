"""What a configuration took for what: confusion matrices as tables, and recall and precision of classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dferbench.experiment.counts import Counts, pool, precisions
from dferbench.experiment.record import Record
from dferbench.pages.tables import DataTable, TableCell, counted, said
from dferbench.report.certainty import run_of
from dferbench.statistics.intervals import fold_scores
from dferbench.statistics.levels import spread
from dferbench.statistics.predictions import by_fold
from dferbench.statistics.scores import recall_of


@dataclass(frozen=True)
class RecallBounds:
    """The recall of a class over the runs in percent, and where the truth lies."""

    mean: float
    low: float
    high: float


def confusions(runs: Sequence[Record], select: str) -> list[DataTable]:
    """The matrix of all runs together, then that of each fold if there are several."""
    seeds = len({one.model_seed for one in runs})
    several = ", a video counting once for each seed" if seeds > 1 else ""
    tables = [_matrix(_pooled(runs, select), f"All {len(runs)} runs together{several}")]
    folds = sorted({one.fold for one in runs})
    if len(folds) > 1:
        mine = {fold: [one for one in runs if one.fold == fold] for fold in folds}
        tables += [_matrix(_pooled(found, select), f"Fold {fold}{several}") for fold, found in mine.items()]
    return tables


def _pooled(runs: Sequence[Record], select: str) -> Counts:
    return pool([one.counts(select) for one in runs])


def _matrix(counts: Counts, whose: str) -> DataTable:
    caption = f"{whose}: rows are the truth, columns what was said; videos, and percent of the row"
    rows = [_matrix_line(counts, k) for k in range(len(counts.classes))]
    return DataTable(caption, ("truth", *counts.classes, "videos"), tuple(rows))


def _matrix_line(counts: Counts, k: int) -> tuple[TableCell, ...]:
    total = counts.videos[k]
    cells = [TableCell(f"{n:,}", n, f"{100 * n / total:.1f} %" if total else "") for n in counts.confusion[k]]
    return (said(counts.classes[k]), *cells, counted(total))


def by_class(runs: Sequence[Record], select: str, level: float) -> DataTable:
    """Recall with its interval, precision and videos of each class; a run counts like any other."""
    counts = _pooled(runs, select)
    sure = recall_intervals(runs, select, level)
    found = zip(counts.classes, precisions(counts.confusion), counts.videos, strict=True)
    rows = [_class_line(name, sure.get(name), precision, videos) for name, precision, videos in found]
    heads = ("class", "recall", "low", "high", "precision", "videos")
    caption = f"Classes: recall as the mean over runs, with its {level:g} % interval; precision of all together"
    return DataTable(caption, heads, tuple(rows), sorts=True)


def _class_line(
    name: str, sure: RecallBounds | None, precision: float | None, videos: int
) -> tuple[TableCell, ...]:
    numbers = (sure.mean, sure.low, sure.high) if sure else (None, None, None)
    shown = [*numbers, None if precision is None else 100 * precision]
    return (said(name), *(counted(value, "{:.2f}") for value in shown), counted(videos))


def recall_intervals(runs: Sequence[Record], select: str, level: float) -> dict[str, RecallBounds]:
    """Of each class that every fold has test videos of."""
    classes = list(dict.fromkeys(name for one in runs for name in one.classes))
    folds = by_fold([run_of(one, select) for one in runs if one.classes == classes])
    scores = [recall_of(place) for place in range(len(classes))]
    drawn = [fold_scores(mine, scores, True) for mine in folds.values()]
    found: dict[str, RecallBounds] = {}
    for place, name in enumerate(classes):
        known = spread([one[place] for one in drawn]) if drawn else None
        if known is not None:
            low, high = known.interval(level)
            found[name] = RecallBounds(known.mean, max(low, 0.0), min(high, 100.0))
    return found
