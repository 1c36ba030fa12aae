"""The figures of a page, drawn by `dferbench.figures` and put into it as SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from dferbench.errors import DferbenchError
from dferbench.pages.study import Configuration, Wishes
from dferbench.report.calibration import CalibrationRow, read_run
from dferbench.report.class_recalls import ClassRecall
from dferbench.report.ranks import Ranked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BINS = 15
"""Of reliability diagrams, as `dferbench calibration` has them."""
MOST = 12
"""So many configurations are drawn against their cost, the best ones: more names have no room."""


@dataclass(frozen=True)
class DrawnFigure:
    """A figure as an SVG element, which says itself what it shows, and the words below it."""

    svg: Markup
    caption: str


@dataclass(frozen=True)
class Pictures:
    """The figures of a configuration, by the part of its section; none where it has nothing to draw."""

    runs: Sequence[DrawnFigure]
    curves: Sequence[DrawnFigure]
    classes: Sequence[DrawnFigure]
    confusion: Sequence[DrawnFigure]
    reliability: Sequence[DrawnFigure]


def picture(name: str, draw: Callable[[], Figure], told: list[str]) -> list[DrawnFigure]:
    """The drawn figure, its ids beginning with `name`; none, and a line why, where it cannot be."""
    from dferbench.figures.inline import inline_svg
    from dferbench.figures.words import sentence

    try:
        figure = draw()
    except DferbenchError as error:
        told.append(f"No figure: {error}.")
        return []
    alt = sentence(figure)
    # What stands in it was escaped when its XML was written.
    return [DrawnFigure(Markup(inline_svg(figure, name, alt)), alt)]


def pictures_of(
    one: Configuration, recalls: Sequence[ClassRecall], wishes: Wishes, told: list[str]
) -> Pictures:
    """The figures of a configuration, and lines on those that cannot be drawn."""
    from dferbench.figures import classes, confusion, curves, reliability, scatter
    from dferbench.figures.style import WEB

    mine, select, level = {one.label: one.runs}, wishes.select, wishes.level

    def drawn(name: str, draw: Callable[[], Figure], wanted: bool = True) -> list[DrawnFigure]:
        return picture(f"{one.key}-{name}", draw, told) if wanted else []

    sure = _with_probabilities(one, told)
    trained = all(run.curve for run in one.runs)
    return Pictures(
        runs=drawn("scatter", lambda: scatter.draw(mine, WEB, select=select), len(one.runs) > 1),
        curves=drawn("curves", lambda: curves.draw(one.runs, WEB), trained),
        classes=drawn(
            "recalls", lambda: classes.draw(mine, WEB, level=level, known={one.label: recalls}), bool(recalls)
        ),
        confusion=drawn("matrix", lambda: confusion.draw(one.runs, WEB, select=select)),
        reliability=drawn("reliability", lambda: reliability.draw([sure], WEB, BINS), bool(sure.runs)),
    )


def _with_probabilities(one: Configuration, told: list[str]) -> CalibrationRow:
    """The runs whose probabilities are there."""
    found, problem = [], None
    for run in one.runs:
        try:
            found.append(read_run(run, Path(run.folder), BINS, {}))
        except DferbenchError as error:
            problem = error
    if problem:
        left = len(one.runs) - len(found)
        told.append(f"Reliability is not known of {left} of {len(one.runs)} runs: {problem}.")
    return CalibrationRow(one.row.method, one.row.setting, found)


def cost_picture(name: str, configurations: Sequence[Configuration], wishes: Wishes) -> list[DrawnFigure]:
    """Score against the number of parameters, where there are several configurations to be told apart."""
    from dferbench.figures import cost
    from dferbench.figures.style import WEB

    if len(configurations) < 2:
        return []
    best = {one.label: one.runs for one in configurations[:MOST]}
    return picture(name, lambda: cost.draw(best, WEB, select=wishes.select, level=wishes.level), [])


def ranks_picture(
    name: str, ranked: Ranked, chosen: Sequence[Configuration], told: list[str]
) -> list[DrawnFigure]:
    """The critical-difference diagram of the configurations that were ranked."""
    from dferbench.figures import ranks
    from dferbench.figures.style import WEB

    records = [run for one in chosen for run in one.runs]
    return picture(name, lambda: ranks.draw(ranked, WEB, records), told)
