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
    from dferbench.figures import confusion, curves
    from dferbench.figures.style import WEB

    key = one.key
    return Pictures(
        runs=[],
        curves=picture(f"{key}-curve", lambda: curves.draw(one.runs, WEB), told) if _trained(one) else [],
        classes=[],
        confusion=picture(f"{key}-matrix", lambda: confusion.draw(one.runs, WEB, select=wishes.select), told),
        reliability=[],
    )


def _trained(one: Configuration) -> bool:
    return any(run.epochs for run in one.runs)

