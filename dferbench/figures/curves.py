"""Learning curves: losses, UAR and WAR, and learning rates, a thin line a run and a thick one their mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from dferbench.experiment.metrics import METRICS
from dferbench.experiment.record import Record
from dferbench.figures.style import Style
from dferbench.figures.words import all_shown, counted, finish, legend_above, shown
from dferbench.report import learning
from dferbench.report.learning import Line

MOST = 6
"""At most so many terms of a loss, or patterns of learning rates, are drawn; a note says how many are not."""
SCORES = ("uar", "war")
APART = 30
"""Learning rates whose peaks differ by more than this factor are drawn on a logarithmic scale."""


def draw(records: Sequence[Record], style: Style, *, notes: Sequence[str] = ()) -> Figure:
    """The curves of the runs of one configuration, whose records were read with their curves.

    Raises ConfigError for a run without epochs or whose curve was not read.
    """
    losses, rates = learning.losses(records), learning.learning_rates(records)
    panels: list[Callable[[Axes], None]] = [
        lambda axes: _lines(axes, style, losses, "loss"),
        lambda axes: _scores(axes, style, records),
        lambda axes: _rates(axes, style, rates),
    ]
    with style.applied():
        figure = style.figure(2.8 if style.wide else 5.4)
        every = figure.subplots(1, 3) if style.wide else figure.subplots(3, 1, sharex=True)
        for place, (axes, panel) in enumerate(zip(every, panels, strict=True)):
            panel(axes)
            _stages(axes, style, records, named=place == 1)
        for axes in every if style.wide else every[-1:]:
            axes.set_xlabel("epoch")
        more = [f"{len(found) - MOST} more of the {what} are not drawn" for what, found in
                (("losses", losses), ("learning rates", rates)) if len(found) > MOST]  # fmt: skip
        return finish(figure, style, _alt(records), records, notes=[*more, *notes])


def _lines(axes: Axes, style: Style, found: Mapping[str, Sequence[Line]], what: str) -> None:
    names = list(found)[:MOST]
    for place, (name, label) in enumerate(zip(names, all_shown(names, 22), strict=True)):
        _runs(axes, style, place, found[name], label)
    axes.set_ylabel(what)
    _legend(axes, style)


def _rates(axes: Axes, style: Style, found: Mapping[str, Sequence[Line]]) -> None:
    _lines(axes, style, found, "learning rate")
    _logarithmic(axes, found)


def _scores(axes: Axes, style: Style, records: Sequence[Record]) -> None:
    for place, name in enumerate(SCORES):
        _runs(axes, style, place, learning.scores(records, METRICS[name]), METRICS[name].title)
    for place, name in enumerate(SCORES, len(SCORES)):
        if held := learning.held_scores(records, METRICS[name]):
            _runs(axes, style, place, held, f"{METRICS[name].title}, validation")
    axes.set_ylabel("test score (%)")
    _legend(axes, style)


def _runs(axes: Axes, style: Style, place: int, lines: Sequence[Line], label: str) -> None:
    """A thin line a run, and their mean, if there are several, with the look of its place. Runs that agree in
    all, as in their learning rates, are one line."""
    look = {"color": style.colour(place), "linestyle": style.line(place)}
    lines = lines[:1] if all(line == lines[0] for line in lines) else lines
    for line in lines:
        thin = {"linewidth": 0.5, "alpha": 0.45} if len(lines) > 1 else {}
        _one(axes, line, **look, **thin, label="_run" if thin else label)
    if len(lines) > 1:
        _one(axes, learning.mean_line(lines), **look, linewidth=1.5, label=label)


def _one(axes: Axes, line: Line, **look: object) -> None:
    values = np.array([np.nan if value is None else value for value in line])
    # A run of one epoch has no line, only a point.
    axes.plot(np.arange(1, len(values) + 1), values, marker="o" if len(values) == 1 else "", **look)  # type: ignore[arg-type]


def _legend(axes: Axes, style: Style) -> None:
    """In two columns if they fit."""
    longest = max(map(len, axes.get_legend_handles_labels()[1]), default=0)
    letters = (style.width_in / 3 if style.wide else style.width_in) * 72 / style.small_pt / 0.55
    legend_above(axes, 2 if 2 * (longest + 8) < letters - 8 else 1)


def _logarithmic(axes: Axes, found: Mapping[str, Sequence[Line]]) -> None:
    """Learning rates of a body and a head often differ a hundredfold: on one scale both must be seen."""
    peaks = [max((v for line in lines for v in line if v), default=0.0) for lines in found.values()]
    if (least := min(filter(None, peaks), default=0.0)) and max(peaks) > APART * least:
        axes.set_yscale("log")
        axes.set_ylim(least / 100, max(peaks) * 2)
        axes.yaxis.set_major_locator(LogLocator(numticks=6))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0e}"))
        axes.yaxis.set_minor_locator(NullLocator())


def _stages(axes: Axes, style: Style, records: Sequence[Record], *, named: bool) -> None:
    """A line between the stages of training, where there are several, with the name of the one it begins."""
    for name, epoch in list(learning.stages(records).items())[1:]:
        axes.axvline(epoch + 0.5, color=style.muted, linewidth=0.6, linestyle=":")
        look: dict[str, Any] = {"fontsize": style.small_pt, "color": style.muted, "va": "top"}
        if named:
            axes.text(epoch + 0.7, 0.99, shown(name, 16), transform=axes.get_xaxis_transform(), **look)
    axes.margins(x=0.02)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))


def _alt(records: Sequence[Record]) -> str:
    first = records[0]
    mean = {name: learning.mean_line(learning.scores(records, METRICS[name])) for name in SCORES}
    said = ", ".join(
        f"mean test {METRICS[name].title} goes from {METRICS[name].text(line[0])} % after the first epoch to "
        f"{METRICS[name].text(line[-1])} % after the last"
        for name, line in mean.items()
    )
    terms = ", ".join(all_shown(list(learning.losses(records))[:MOST], 22))
    runs = f"{counted(len(records), 'run')} of {counted(len(mean['uar']), 'epoch')}"
    name = f"{shown(first.method)} on {shown(first.dataset)}"
    return f"Learning curves of {name}: {runs}, losses ({terms}), learning rates and test scores; {said}."
