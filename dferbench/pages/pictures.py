"""The figures of a page, drawn by `dferbench.figures` and put into it as SVG."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from dferbench.errors import DferbenchError
from dferbench.experiment.record import Record
from dferbench.pages.study import Configuration, Wishes
from dferbench.report.ranks import Ranked

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Picture:
    """A figure as an SVG element, which says itself what it shows, and the words below it."""

    svg: Markup
    caption: str


@dataclass(frozen=True)
class Pictures:
    """The figures of a configuration, by the part of its section; none where it has nothing to draw."""

    runs: Sequence[Picture]
    curves: Sequence[Picture]
    classes: Sequence[Picture]
    confusion: Sequence[Picture]
    reliability: Sequence[Picture]


def picture(name: str, draw: Callable[[], Figure], told: list[str]) -> list[Picture]:
    """The drawn figure, its ids beginning with `name`; none, and a line why, where there is nothing to draw."""
    from dferbench.figures.inline import inline_svg
    from dferbench.figures.words import sentence

    try:
        figure = draw()
    except DferbenchError as error:
        told.append(f"No figure: {error}.")
        return []
    alt = sentence(figure)
    return [Picture(Markup(inline_svg(figure, name, alt)), alt)]


def pictures_of(one: Configuration, wishes: Wishes, told: list[str]) -> Pictures:
    """The figures of a configuration, and lines on those that cannot be drawn."""
    from dferbench.figures import classes, confusion, curves, reliability, scatter
    from dferbench.figures.style import WEB

    mine = {one.label: one.runs}
    key = one.key
    return Pictures(
        runs=picture(f"{key}-scatter", lambda: scatter.draw(mine, WEB), told) if len(one.runs) > 1 else [],
        curves=picture(f"{key}-curve", lambda: curves.draw(one.runs, WEB), told) if _trained(one) else [],
        classes=picture(f"{key}-recall", lambda: classes.draw(mine, WEB), told),
        confusion=picture(f"{key}-matrix", lambda: confusion.draw(one.runs, WEB), told),
        reliability=picture(f"{key}-sure", lambda: reliability.draw(mine, WEB), told),
    )


def _trained(one: Configuration) -> bool:
    return any(run.epochs for run in one.runs)


def cost_picture(configurations: Mapping[str, Sequence[Record]], wishes: Wishes) -> list[Picture]:
    """Score against cost, where several configurations can be told apart by it."""
    from dferbench.figures import cost
    from dferbench.figures.style import WEB

    if len(configurations) < 2:
        return []
    return picture("score-cost", lambda: cost.draw(configurations, WEB), [])


def ranks_picture(name: str, ranked: Ranked, told: list[str]) -> list[Picture]:
    """The critical-difference diagram."""
    from dferbench.figures import ranks
    from dferbench.figures.style import WEB

    return picture(name, lambda: ranks.draw(ranked, WEB), told)
