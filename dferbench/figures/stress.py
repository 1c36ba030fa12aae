"""What corruptions cost a model: a group of bars a corruption, darker with severity."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dferbench.experiment.metrics import Metric
from dferbench.figures.style import Style
from dferbench.figures.words import all_shown, finish, shown
from dferbench.report.stress import StressTable

SEVERITIES = (1, 2, 3)


def draw(table: StressTable, metric: Metric, style: Style) -> Figure:
    """The loss of the metric at each severity against clean videos, with its standard deviation over runs."""
    names = list(dict.fromkeys(row.corruption for row in table.rows))
    with style.applied():
        figure = style.figure(2.8)
        axes = figure.add_subplot()
        for severity in SEVERITIES:
            _bars(axes, style, table, metric, names, severity)
        axes.set_xticks(
            range(len(names)), all_shown(names, 20), rotation=35, ha="right", rotation_mode="anchor"
        )
        axes.axhline(0, color=style.ink, linewidth=0.7)
        axes.grid(visible=False, axis="x")
        unit = f" ({metric.unit})" if metric.unit else ""
        axes.set(ylabel=f"loss of {metric.title}{unit}")
        clean = table.clean[metric.name]
        axes.set_title(f"{shown(table.method)} on {shown(table.dataset)}: clean {metric.title} {clean}")
        axes.legend(loc="upper left", ncols=len(SEVERITIES), handlelength=1.2)
        return finish(figure, style, _alt(table, metric), caveats=table.caveats)


def _bars(
    axes: Axes, style: Style, table: StressTable, metric: Metric, names: list[str], severity: int
) -> None:
    rows = [row for row in table.rows if row.severity == severity and row.drops[metric.name]]
    drops = [one for row in rows if (one := row.drops[metric.name])]
    spreads = [one.spread or 0 for one in drops]
    axes.bar(
        [names.index(row.corruption) + 0.27 * (severity - 2) for row in rows],
        [one.mean for one in drops],
        0.25,
        yerr=spreads if any(spreads) else None,
        color=style.colour(0),
        alpha=0.2 + 0.25 * severity,
        error_kw={"ecolor": style.ink, "elinewidth": 0.7},
        label=f"severity {severity}",
    )


def _alt(table: StressTable, metric: Metric) -> str:
    drops = [(one.mean, row) for row in table.rows if (one := row.drops[metric.name])]
    title = f"Loss of {metric.title} by corruption, {shown(table.method)} on {shown(table.dataset)}"
    if not drops:
        return f"{title}: nothing was measured."
    most, row = max(drops, key=lambda pair: pair[0])
    worst = f"most is lost by {row.corruption} at severity {row.severity}, {most:.2f}"
    return f"{title}: clean {table.clean[metric.name]}; {worst}."
