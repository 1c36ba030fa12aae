"""What a configuration took for what: confusion matrices as tables, and recall and precision of classes."""

from __future__ import annotations

from collections.abc import Sequence

from dferbench.experiment.counts import Counts, pool, precisions
from dferbench.experiment.record import Record
from dferbench.pages.study import Configuration
from dferbench.pages.tables import DataTable, TableCell, counted, said
from dferbench.report.class_recalls import ClassRecall


def confusions(one: Configuration, select: str) -> list[DataTable]:
    """The matrix of all runs together, then that of each fold if there are several."""
    runs, seeds = one.runs, len({run.model_seed for run in one.runs})
    several = ", a video counting once for each seed" if seeds > 1 else ""
    tables = [_matrix(_pooled(runs, select), f"All {len(runs)} runs of {one.label} together{several}")]
    folds = sorted({run.fold for run in runs})
    if len(folds) > 1:
        mine = {fold: [run for run in runs if run.fold == fold] for fold in folds}
        tables += [
            _matrix(_pooled(found, select), f"Fold {fold} of {one.label}{several}")
            for fold, found in mine.items()
        ]
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


def by_class(one: Configuration, recalls: Sequence[ClassRecall], select: str, level: float) -> DataTable:
    """Recall with its interval, precision and videos of each class; a run counts like any other."""
    counts = _pooled(one.runs, select)
    precise = dict(zip(counts.classes, precisions(counts.confusion), strict=True))
    rows = [_class_line(found, precise[found.name]) for found in recalls]
    heads = ("class", "recall", "low", "high", "precision", "test videos")
    caption = (
        f"Classes of {one.label}, in percent: mean recall over runs and its {level:g} % interval; "
        "precision over all"
    )
    return DataTable(caption, heads, tuple(rows), sorts=True)


def _class_line(one: ClassRecall, precision: float | None) -> tuple[TableCell, ...]:
    bounds = (one.interval.low, one.interval.high) if one.interval else (None, None)
    shown = (one.recall, *bounds, None if precision is None else 100 * precision)
    return (said(one.name), *(counted(value, "{:.2f}") for value in shown), counted(one.videos))
