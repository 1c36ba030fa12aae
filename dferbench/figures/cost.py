"""Score against cost: the mean UAR of each configuration over what it costs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from dferbench.errors import ConfigError
from dferbench.experiment.metrics import METRICS
from dferbench.experiment.record import Record
from dferbench.figures.style import Style
from dferbench.figures.words import all_shown, counted, finish, legend_above, shown
from dferbench.profiling.costs import short
from dferbench.report import spent
from dferbench.report.bounds import intervals_if
from dferbench.report.configurations import score_of
from dferbench.report.spent import Spending
from dferbench.statistics.intervals import Interval

WIDE = 5
"""Costs whose largest is more than so many times the least are drawn on a logarithmic scale."""


@dataclass(frozen=True)
class _Point:
    label: str
    cost: float
    mean: float
    interval: Interval | None


def draw(
    configurations: Mapping[str, Sequence[Record]],
    style: Style,
    by: str = "parameters",
    *,
    select: str = "last",
    level: float = 95.0,
    notes: Sequence[str] = (),
) -> Figure:
    """A point a configuration: its cost `by` parameters, trained, macs or seconds, and its mean UAR with the
    interval. Those whose cost is not known are left out, with a note.

    Raises UnknownName for another cost, and ConfigError if no configuration is left.
    """
    kind = spent.find(by)
    costs = {label: kind.of(group) for label, group in configurations.items()}
    points = [
        _point(label, cost, configurations[label], select, level)
        for label, cost in costs.items()
        if cost is not None and score_of(configurations[label], select=select)
    ]
    if not points:
        raise ConfigError(
            f"there is nothing to draw: no configuration has known {kind.title}",
            f"Choose another cost: --by {' or --by '.join(name for name in spent.SPENDINGS if name != by)}.",
        )
    left_out = [label for label in configurations if label not in {one.label for one in points}]
    records = [one for label, group in configurations.items() if label not in left_out for one in group]
    with style.applied():
        figure = style.figure((2.3 + 0.13 * len(points)) * style.scale)
        axes = figure.add_subplot()
        unit, many = spent.in_units(kind, [one.cost for one in points])
        _points(axes, style, points, many)
        _frame(axes, [one.cost / many for one in points])
        where = f" ({unit}; {shown(spent.device_of(records), 24)})" if unit else ""
        axes.set(xlabel=f"{kind.title}{where}", ylabel="UAR (%)")
        more = [f"Bars: {level:g} % intervals of the mean over runs."]
        more += [f"left out, as it is not known: {', '.join(all_shown(left_out))}"] if left_out else []
        return finish(figure, style, _alt(kind, points, unit, many), records, notes=[*more, *notes])


def _point(label: str, cost: float, group: Sequence[Record], select: str, level: float) -> _Point:
    mean, sure = score_of(group, select=select), intervals_if(level, group, select, [METRICS["uar"]])["uar"]
    assert mean is not None
    return _Point(label, cost, mean.mean, sure)


def _points(axes: Axes, style: Style, points: Sequence[_Point], many: float) -> None:
    for place, (one, label) in enumerate(zip(points, all_shown([p.label for p in points]), strict=True)):
        look = {"color": style.colour(place), "marker": style.marker(place), "linestyle": "none"}
        if sure := one.interval:
            axes.vlines(one.cost / many, sure.low, sure.high, color=style.colour(place), linewidth=1)
        axes.plot(one.cost / many, one.mean, label=label, markersize=5, **look)  # type: ignore[arg-type]


def _frame(axes: Axes, costs: Sequence[float]) -> None:
    axes.margins(x=0.12, y=0.1)
    if (ratio := max(costs) / min(costs)) > WIDE:
        axes.set_xscale("log")
        steps = (1.0,) if ratio > 50 else (1.0, 2.0, 5.0)
        axes.xaxis.set_major_locator(LogLocator(numticks=6, subs=steps))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _brief(value)))
    legend_above(axes)


def _brief(value: float) -> str:
    """As people say it, without zeros behind the point: 5 M, 0.25."""
    text = short(value) if value >= 1000 else f"{value:.3g}"
    return re.sub(r"\.?0+(?= |$)", "", text) if "." in text else text


def _alt(kind: Spending, points: Sequence[_Point], unit: str, many: float) -> str:
    said = [
        f"{label}: {_brief(one.cost / many)}{f' {unit}' if unit else ''}, {one.mean:.2f} %"
        for one, label in zip(points, all_shown([p.label for p in points]), strict=True)
    ]
    title = f"UAR against {kind.title} of {counted(len(points), 'configuration')}"
    return f"{title}: {'; '.join(said)}."
