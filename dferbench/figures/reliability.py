"""A reliability diagram: how often answers of each confidence are right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dferbench.figures.style import Style
from dferbench.figures.words import finish, shown
from dferbench.report.calibration import CalibrationRow
from dferbench.report.score import score
from dferbench.statistics.calibration import Bin, confidences, equal_width

ACROSS_IN, CROWDED_IN = 2.2, 1.6
"""How wide a diagram is at least, and where there are more than two of them."""


def draw(
    rows: Sequence[CalibrationRow], style: Style, bins: int = 15, *, notes: Sequence[str] = ()
) -> Figure:
    """A diagram a row, its runs' test videos taken together: accuracy over confidence in `bins` bins of equal
    width, as it is and, where all runs have one, with the fitted temperature. Bars are shares of videos."""
    least = ACROSS_IN if len(rows) < 3 else CROWDED_IN
    across = max(1, min(len(rows), int(style.width_in / least)))
    down = -(-len(rows) // across)
    with style.applied():
        each = min(style.width_in / across, 2.9)
        figure = style.figure(
            each * down * 0.98, max(each * across, min(style.width_in, style.tallest_in / 2))
        )
        grid = figure.subplots(down, across, squeeze=False).ravel().tolist()
        for axes, row in zip(grid, rows, strict=False):
            _diagram(axes, style, row, bins)
            axes.set_title(_title(row, int(each * 60 / style.small_pt)), fontsize=style.small_pt)
        grid[0].legend(loc="upper left", labelspacing=0.25, handlelength=1.8)
        for axes in grid[len(rows) :]:
            axes.axis("off")
        records = [run.record for row in rows for run in row.runs]
        return finish(figure, style, _alt(rows), records, notes=notes)


def _diagram(axes: Axes, style: Style, row: CalibrationRow, bins: int) -> None:
    before = binned(row, bins, fitted=False)
    videos = sum(one.videos for one in before)
    # The bars say how much stands behind each point.
    places, shares = [one.confidence for one in before], [one.videos / videos for one in before]
    axes.bar(places, shares, 0.8 / bins, color=style.muted, alpha=0.35, label="share of videos")
    axes.plot([0, 1], [0, 1], color=style.muted, linewidth=0.7, linestyle=":")
    _curve(axes, style, 0, before, "as it is")
    if all(run.fitted for run in row.runs):
        _curve(axes, style, 1, binned(row, bins, fitted=True), "with temperature")
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1.02), ylim=(0, 1.02))


def _curve(axes: Axes, style: Style, place: int, found: Sequence[Bin], label: str) -> None:
    confidence, accuracy = [one.confidence for one in found], [one.accuracy for one in found]
    axes.plot(confidence, accuracy, markersize=3, label=label, **style.series(place))


def binned(row: CalibrationRow, bins: int, *, fitted: bool) -> list[Bin]:
    """The bins of all videos of a row's runs, at the temperature that was fitted for each run if asked."""
    pairs = [
        confidences(run.logits, run.labels, run.fitted.temperature if fitted and run.fitted else 1.0)
        for run in row.runs
    ]
    confidence, right = (np.concatenate(side) for side in zip(*pairs, strict=True))
    return equal_width(confidence, right, bins)


def _title(row: CalibrationRow, letters: int) -> str:
    lines = [f"{row.method}, {row.first.dataset}", *([row.setting] if row.setting != "default" else [])]
    return "\n".join(shown(line, letters) for line in lines)


def _alt(rows: Sequence[CalibrationRow]) -> str:
    said = []
    for row in rows:
        plain = score([run.plain.ece for run in row.runs])
        fit = score([run.fitted.numbers.ece if run.fitted else None for run in row.runs])
        words = [f"expected calibration error {plain.mean:.3f}"] if plain else []
        words += [f"{fit.mean:.3f} with the fitted temperature"] if fit else []
        said.append(f"{shown(row.method)} on {shown(row.first.dataset)}, {', '.join(words)}")
    return f"Reliability, accuracy over confidence: {'; '.join(said)}."
