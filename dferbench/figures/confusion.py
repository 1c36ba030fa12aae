"""The confusion matrix of a configuration, over all folds and seeds: counts and percentages of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dferbench.errors import ConfigError
from dferbench.experiment.counts import Counts, pool
from dferbench.experiment.record import Record
from dferbench.figures.style import COLOURS, Style
from dferbench.figures.words import all_shown, counted, finish, shown

# The ground shows through where nothing is, so that the matrix fits light and dark pages.
_SHADES = LinearSegmentedColormap.from_list("shades", [f"{COLOURS[0]}00", f"{COLOURS[0]}ff"])
DARK = 0.8
"""From this share on a cell is so dark that text in it must be white, on light pages and on dark ones."""
SMALLEST_PT = 3.4
"""Numbers that would be smaller are left out."""


def draw(
    records: Sequence[Record],
    style: Style,
    *,
    normalize: bool = False,
    select: str = "last",
    notes: Sequence[str] = (),
) -> Figure:
    """The pooled matrix at the epoch that the rule picks; rows are the truth, whose percentages sum to 100.

    With `normalize` cells have percentages alone, else counts as well. Raises ConfigError for runs without
    results or with different classes.
    """
    counts = pooled(records, select)
    labels = all_shown(counts.classes, 16)
    with style.applied():
        side = min(style.width_in, max(style.tallest_in, 0.35 * len(labels)))
        figure = style.figure(side, side)
        axes = figure.add_subplot()
        matrix = np.array(counts.confusion)
        shares = shares_of(counts)
        cell_pt = 0.68 * side * 72 / len(labels)
        edge: dict[str, Any] = {"edgecolors": style.muted, "linewidth": min(0.25, cell_pt / 40)}
        axes.pcolormesh(shares, cmap=_SHADES, vmin=0, vmax=1, **edge)
        numbered = _numbers(axes, style, matrix, shares, cell_pt, normalize)
        _frame(axes, style, labels, cell_pt)
        if numbered:
            what = "% of the true class" if normalize else "videos; below, % of the true class"
            axes.set_xlabel(f"predicted class\n({what})")
        return finish(figure, style, _alt(records, counts, labels), records, notes=notes)


def pooled(records: Sequence[Record], select: str = "last") -> Counts:
    """The counts of all runs together. Raises ConfigError if they cannot be added."""
    found = [one.counts(select) for one in records if one.confusion]
    if not found:
        raise ConfigError("there is no confusion matrix to draw: no run is tested", "Choose finished runs.")
    if len({frozenset(one.classes) for one in found}) > 1 and len({len(one.classes) for one in found}) == 1:
        raise ConfigError(
            "the runs have different classes, and one matrix cannot hold them", "Choose runs on one dataset."
        )
    return pool(found)


def shares_of(counts: Counts) -> NDArray[np.float64]:
    """(C, C): of the videos of each row's class the shares predicted as each column's, 0 without videos."""
    matrix = np.array(counts.confusion, dtype=np.float64)
    videos = matrix.sum(1, keepdims=True)
    return np.asarray(np.divide(matrix, videos, out=np.zeros_like(matrix), where=videos > 0))


def _numbers(
    axes: Axes,
    style: Style,
    matrix: NDArray[np.int64],
    shares: NDArray[np.float64],
    cell_pt: float,
    normalize: bool,
) -> bool:
    """Write them, if they are large enough to be read, and tell whether they are."""
    longest = 3 if normalize else max(3, len(str(matrix.max())))
    size = min(style.font_pt, cell_pt * (0.5 if normalize else 0.36), cell_pt / (0.7 * longest))
    if size < SMALLEST_PT:
        return False
    for (row, column), count in np.ndenumerate(matrix):
        share = shares[row, column]
        text = f"{100 * share:.0f}" if normalize else f"{count}\n{100 * share:.0f}"
        colour = "#ffffff" if share >= DARK else style.ink if count else style.muted
        where: dict[str, Any] = {"ha": "center", "va": "center", "linespacing": 1.05}
        axes.text(column + 0.5, row + 0.5, text, color=colour, fontsize=size, **where)
    return True


def _frame(axes: Axes, style: Style, labels: Sequence[str], cell_pt: float) -> None:
    size = min(style.font_pt, cell_pt * 0.8)
    places = np.arange(len(labels)) + 0.5
    axes.set_xticks(places, labels, rotation=45, ha="right", rotation_mode="anchor", fontsize=size)
    axes.set_yticks(places, labels, fontsize=size)
    axes.set(xlabel="predicted class", ylabel="true class", aspect="equal")
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _alt(records: Sequence[Record], counts: Counts, labels: Sequence[str]) -> str:
    first, shares = records[0], shares_of(counts)
    name = f"{shown(first.method)} on {shown(first.dataset)}"
    recalls = ", ".join(
        f"{label} {100 * recall:.1f} %"
        for label, recall in zip(labels, counts.recalls, strict=True)
        if recall is not None
    )
    wrong = shares - np.diag(np.diag(shares))
    row, column = divmod(int(wrong.argmax()), len(labels))
    worst = (
        f"; most often {labels[row]} is taken for {labels[column]}, in {100 * wrong[row, column]:.1f} %"
        if wrong.any()
        else ""
    )
    runs = counted(len(records), "run")
    return f"Confusion matrix of {name}: {counts.total} predictions of {runs}, recalled {recalls}{worst}."
