"""A metric on parts of the test videos, with intervals: a panel a column, a marker a configuration."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dferbench.errors import ConfigError
from dferbench.experiment.metrics import Columns, Metric
from dferbench.figures.style import Style
from dferbench.figures.words import all_shown, finish, legend_above, shown
from dferbench.report.slices import Sliced
from dferbench.statistics.slices import FEWEST, Slice

BAND = 0.6


def draw(found: Sequence[Sliced], columns: Columns, style: Style, *, notes: Sequence[str] = ()) -> Figure:
    """The metric that is tested (`columns.by`) on every part that has enough videos; parts with fewer are
    hollow and have no interval. Raises ConfigError for nothing to draw."""
    by_column: dict[str, list[Sliced]] = {}
    for one in found:
        if one.parts:
            by_column.setdefault(one.column, []).append(one)
    if not by_column:
        columns_ = ", ".join(dict.fromkeys(shown(one.column) for one in found)) or "column"
        raise ConfigError(
            f"there is nothing to draw: no test video of these runs has a known {columns_}",
            "Choose another column, or runs on the dataset as it lies here (--root).",
        )
    most = max(len({part.name for one in mine for part in one.parts}) for mine in by_column.values())
    several = max(map(len, by_column.values()))
    with style.applied():
        each = 0.55 + most * max(0.24, 0.14 * several)
        figure = style.figure((0.14 * several + each * len(by_column)) * style.scale)
        grid = figure.subplots(len(by_column), 1, squeeze=False, sharex=True).ravel().tolist()
        for axes, mine in zip(grid, by_column.values(), strict=True):
            _panel(axes, style, mine, columns.by)
        unit = f" ({columns.by.unit})" if columns.by.unit else ""
        grid[-1].set_xlabel(f"{columns.by.title}{unit}")
        caveats = [caveat for one in found for caveat in one.caveats]
        about = [f"Lines: 95 % intervals; hollow: fewer than {FEWEST} videos."]
        about += ["p: chance of so large a gap by luck alone."] if any(one.gap for one in found) else []
        return finish(figure, style, _alt(found, columns.by), (), caveats, notes=[*about, *notes])


def _panel(axes: Axes, style: Style, mine: Sequence[Sliced], metric: Metric) -> None:
    names = list(dict.fromkeys(part.name for one in mine for part in one.parts))
    labels = all_shown([f"{one.method}{_p(one)}" for one in mine])
    for place, (one, label) in enumerate(zip(mine, labels, strict=True)):
        offset = BAND * ((place + 0.5) / len(mine) - 0.5)
        _series(axes, style, place, label, one.parts, names, offset, metric)
    axes.set_yticks(range(len(names)), _heads(names, mine))
    axes.set(ylim=(len(names) - 0.5, -0.5), ylabel=shown(mine[0].column, 20))
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    legend_above(axes)


def _series(
    axes: Axes,
    style: Style,
    place: int,
    label: str,
    parts: Sequence[Slice],
    names: Sequence[str],
    offset: float,
    metric: Metric,
) -> None:
    colour, marker = style.colour(place), style.marker(place)
    look = {"color": colour, "marker": marker, "linestyle": "none"}
    axes.plot([], [], label=label, **look)  # type: ignore[arg-type]
    for part in parts:
        height, value, sure = (
            names.index(part.name) + offset,
            part.scores[metric.name],
            part.intervals[metric.name],
        )
        if value is None:
            continue
        if sure:
            axes.hlines(height, sure.low, sure.high, color=colour, linewidth=1.2)
        axes.plot(value, height, fillstyle="none" if part.too_small else "full", **look)  # type: ignore[arg-type]


def _heads(names: Sequence[str], mine: Sequence[Sliced]) -> list[str]:
    videos = {
        name: {part.videos for one in mine for part in one.parts if part.name == name} for name in names
    }
    short = zip(all_shown(names, 20), videos.values(), strict=True)
    return [f"{name} ({min(counts)})" if len(counts) == 1 else name for name, counts in short]


def _p(one: Sliced) -> str:
    return "" if one.p is None else f", p = {one.p:.2g}"


def _alt(found: Sequence[Sliced], metric: Metric) -> str:
    said = []
    for one in found:
        values = {part.name: value for part in one.parts if (value := part.scores[metric.name]) is not None}
        parts = ", ".join(f"{shown(name, 20)} {metric.text(value)}" for name, value in values.items())
        said.append(f"{shown(one.method)} by {shown(one.column, 20)}, {parts}{_p(one)}")
    return f"{metric.title} on parts of the test videos: {'; '.join(said)}."
