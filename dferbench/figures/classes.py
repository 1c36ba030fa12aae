"""The recall of each class with its interval, a marker a configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dferbench.errors import ConfigError
from dferbench.experiment.record import Record
from dferbench.figures.style import Style
from dferbench.figures.words import all_shown, finish, legend_above, shown
from dferbench.report.class_recalls import ClassRecall, class_recalls

ROW_IN, BAND = 0.14, 0.72
"""The height that a marker needs, and the part of a class's row in which its markers lie."""


def draw(
    configurations: Mapping[str, Sequence[Record]],
    style: Style,
    *,
    select: str = "last",
    level: float = 95.0,
    notes: Sequence[str] = (),
    known: Mapping[str, Sequence[ClassRecall]] | None = None,
) -> Figure:
    """The mean recall over folds and seeds of every class with test videos; intervals are of `level` percent.

    `known` has the recalls of each configuration where they were computed before, which takes a while.
    Raises ConfigError for no configuration, for runs whose classes differ, or whose labels contradict.
    """
    if not configurations:
        raise ConfigError("there are no recalls to draw: no run is given", "Choose finished runs.")
    found = known or {label: class_recalls(group, select, level) for label, group in configurations.items()}
    names = list(dict.fromkeys(one.name for mine in found.values() for one in mine if one.recall is not None))
    untested = [one.name for mine in found.values() for one in mine if one.name not in names]
    with style.applied():
        height = 0.75 + ROW_IN * len(found) + len(names) * max(0.24, ROW_IN * len(found))
        figure = style.figure(height * style.scale)
        axes = figure.add_subplot()
        labels = all_shown(found) if len(found) > 1 else [""]
        for place, (label, mine) in enumerate(zip(labels, found.values(), strict=True)):
            offset = BAND * ((place + 0.5) / len(found) - 0.5)
            _series(axes, style, place, label, [one for one in mine if one.recall is not None], names, offset)
        _frame(axes, style, _heads(names, found))
        about = f"Lines: {level:g} % intervals of the mean over runs. In brackets: test videos."
        lacking = [f"without test videos: {', '.join(dict.fromkeys(untested))}"] if untested else []
        records = [one for group in configurations.values() for one in group]
        return finish(figure, style, _alt(found), records, notes=[about, *lacking, *notes])


def _series(
    axes: Axes,
    style: Style,
    place: int,
    label: str,
    mine: Sequence[ClassRecall],
    names: Sequence[str],
    offset: float,
) -> None:
    heights = [names.index(one.name) + offset for one in mine]
    sure = [(h, one.interval) for h, one in zip(heights, mine, strict=True) if one.interval]
    lows, highs = [one.low for _, one in sure], [one.high for _, one in sure]
    axes.hlines([h for h, _ in sure], lows, highs, color=style.colour(place), linewidth=1.2)
    look = {"color": style.colour(place), "marker": style.marker(place), "linestyle": "none"}
    axes.plot([one.recall for one in mine], heights, label=label or "_", **look)  # type: ignore[arg-type]


def _frame(axes: Axes, style: Style, heads: Sequence[str]) -> None:
    axes.set_yticks(range(len(heads)), heads)
    axes.set(xlabel="recall (%)", xlim=(-1, 101), ylim=(len(heads) - 0.5, -0.5))
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    for between in range(1, len(heads)):
        axes.axhline(between - 0.5, color=style.muted, linewidth=0.3, alpha=0.5)
    legend_above(axes)


def _heads(names: Sequence[str], found: Mapping[str, Sequence[ClassRecall]]) -> list[str]:
    """The classes with their numbers of videos, where all configurations were tested on as many."""
    videos = {
        name: {one.videos for mine in found.values() for one in mine if one.name == name} for name in names
    }
    short = dict(zip(names, all_shown(names, 18), strict=True))
    return [f"{short[n]} ({min(v)})" if len(v) == 1 else short[n] for n, v in videos.items()]


def _alt(found: Mapping[str, Sequence[ClassRecall]]) -> str:
    said = [
        f"{label}, {_extremes(mine)}" for label, mine in zip(all_shown(found), found.values(), strict=True)
    ]
    return f"Recall of each class: {'; '.join(said)}."


def _extremes(mine: Sequence[ClassRecall]) -> str:
    recalls = {one.name: one.recall for one in mine if one.recall is not None}
    if not recalls:
        return "no class was tested"
    high, low = max(recalls, key=lambda n: recalls[n]), min(recalls, key=lambda n: recalls[n])
    best, worst = (f"{shown(name, 20)} ({recalls[name]:.1f} %)" for name in (high, low))
    return f"highest for {best}, lowest for {worst}"
