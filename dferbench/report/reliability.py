"""A reliability diagram: how often answers of each confidence are right, as a picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dferbench.errors import UnknownName
from dferbench.files import write_atomic
from dferbench.printable import one_line
from dferbench.report.calibration import CalibrationRow
from dferbench.statistics.calibration import Bin, confidences, equal_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = (".png", ".svg", ".pdf")
ACROSS = 3
"""Diagrams next to each other."""


def require_format(path: Path) -> None:
    """Raise UnknownName for a file whose name ends with none of FORMATS."""
    if path.suffix.lower() not in FORMATS:
        raise UnknownName("form of picture", path.suffix or path.name, FORMATS)


def reliability(rows: Sequence[CalibrationRow], bins: int, path: Path) -> None:
    """Write a PNG, SVG or PDF, as the name ends: a diagram a row, its runs' test videos taken together.

    Raises UnknownName for another ending, and DferbenchError if it cannot be written.
    """
    from matplotlib.figure import Figure

    require_format(path)
    across = min(ACROSS, len(rows))
    down = -(-len(rows) // across)
    figure = Figure(figsize=(3.6 * across, 3.6 * down), dpi=120, layout="constrained")
    grid = figure.subplots(down, across, squeeze=False).ravel().tolist()
    for axes, row in zip(grid, rows, strict=False):
        _diagram(axes, row, bins)
    for axes in grid[len(rows) :]:
        axes.axis("off")
    buffer = io.BytesIO()
    figure.savefig(buffer, format=path.suffix[1:].lower())
    write_atomic(path, buffer.getvalue())


def _diagram(axes: Axes, row: CalibrationRow, bins: int) -> None:
    before = _bins(row, bins, fitted=False)
    videos = sum(one.videos for one in before)
    # The grey bars say how much stands behind each point.
    axes.bar(
        [one.confidence for one in before],
        [one.videos / videos for one in before],
        width=0.8 / bins,
        color="0.85",
        label="share of videos",
    )
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=0.8, linestyle="--")
    _curve(axes, before, "as it is")
    if all(run.fitted for run in row.runs):
        _curve(axes, _bins(row, bins, fitted=True), "with temperature")
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.set_title(_title(row), fontsize=8, parse_math=False)
    axes.legend(loc="upper left", frameon=False, fontsize=7)


def _curve(axes: Axes, found: Sequence[Bin], label: str) -> None:
    confidence, accuracy = [one.confidence for one in found], [one.accuracy for one in found]
    axes.plot(confidence, accuracy, marker="o", markersize=3, linewidth=1.2, label=label)


def _bins(row: CalibrationRow, bins: int, *, fitted: bool) -> list[Bin]:
    pairs = [
        confidences(run.logits, run.labels, run.fitted.temperature if fitted and run.fitted else 1.0)
        for run in row.runs
    ]
    confidence, right = (np.concatenate(side) for side in zip(*pairs, strict=True))
    return equal_width(confidence, right, bins)


def _title(row: CalibrationRow) -> str:
    words = f"{row.method}, {row.first.dataset}" + (f"\n{row.setting}" if row.setting != "default" else "")
    caveats = f"\n{', '.join(row.caveats)}" if row.caveats else ""
    return "\n".join(one_line(line)[:60] for line in f"{words}{caveats}".split("\n"))
