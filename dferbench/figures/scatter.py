"""How far folds and seeds scatter: the UAR of every run, a row a configuration, a marker a fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dferbench.errors import ConfigError
from dferbench.experiment.metrics import METRICS
from dferbench.experiment.record import Record
from dferbench.figures.style import Style
from dferbench.figures.words import all_shown, finish, legend_above
from dferbench.report.configurations import score_of

BAND = 0.5
"""The part of a row over which seeds are spread, the first on top, so that equal scores do not hide."""


def draw(
    configurations: Mapping[str, Sequence[Record]],
    style: Style,
    *,
    select: str = "last",
    notes: Sequence[str] = (),
) -> Figure:
    """The UAR of each fold and seed, and a bar at the mean of each configuration.

    Raises ConfigError if no run has one.
    """
    metric = METRICS["uar"]
    values = {
        label: [(one, value) for one in group if (value := one.value(metric, select)) is not None]
        for label, group in configurations.items()
    }
    if not any(values.values()):
        raise ConfigError("there is nothing to draw: no run was tested", "Choose finished runs.")
    folds = sorted({one.fold for mine in values.values() for one, _ in mine})
    with style.applied():
        figure = style.figure((0.8 + 0.36 * len(values) + 0.13 * -(-len(folds) // 4)) * style.scale)
        axes = figure.add_subplot()
        for place, fold in enumerate(folds):
            _fold(axes, style, place, fold, list(values.values()))
        for row, group in enumerate(configurations.values()):
            if mean := score_of(group, select=select):
                axes.vlines(mean.mean, row - 0.4, row + 0.4, color=style.ink, linewidth=1.4)
        axes.set_yticks(range(len(values)), all_shown(values, 26))
        axes.set(xlabel="UAR (%)", ylim=(len(values) - 0.5, -0.5))
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        legend_above(axes, min(4, len(folds)))
        records = [one for group in configurations.values() for one in group]
        return finish(
            figure, style, _alt(configurations, select), records, notes=["Bar: mean over runs.", *notes]
        )


def _fold(
    axes: Axes, style: Style, place: int, fold: int, rows: Sequence[Sequence[tuple[Record, float]]]
) -> None:
    found = [
        (value, row + _offset(one, [other for other, _ in mine]))
        for row, mine in enumerate(rows)
        for one, value in mine
        if one.fold == fold
    ]
    look = {"color": style.colour(place), "marker": style.marker(place), "linestyle": "none"}
    x, y = [value for value, _ in found], [height for _, height in found]
    axes.plot(x, y, label=f"fold {fold}", markersize=3.5, alpha=0.9, **look)  # type: ignore[arg-type]


def _offset(one: Record, mine: Sequence[Record]) -> float:
    seeds = sorted({other.model_seed for other in mine})
    return BAND * ((seeds.index(one.model_seed) + 0.5) / len(seeds) - 0.5)


def _alt(configurations: Mapping[str, Sequence[Record]], select: str) -> str:
    metric, said = METRICS["uar"], []
    for label, group in zip(all_shown(configurations), configurations.values(), strict=True):
        values = [v for one in group if (v := one.value(metric, select)) is not None]
        if values:
            mean = sum(values) / len(values)
            said.append(f"{label} from {min(values):.2f} to {max(values):.2f} %, mean {mean:.2f} %")
    return f"UAR of each fold and seed: {'; '.join(said)}."
