"""One look for all pictures: widths of papers, sizes of text, and colours that everybody can tell apart."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

COLUMN_IN, DOUBLE_IN = 3.35, 6.9
"""The widths of a column and of a page of most papers of two columns, in inches."""
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Of Okabe and Ito (Color Universal Design, 2008), without black, which is the text's, and yellow, which
vanishes on white. Neighbours differ in grey, too."""
LINES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1.5, 1, 1.5, 1, 1.5)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""As many as have no common factor: 35 series differ in grey, and 210 in colour."""


@dataclass(frozen=True)
class Style:
    """How wide a picture is, in inches, the size of its text, in points, and whether it is for dark pages.

    `dots_per_in` is what PNG files have; a square picture is at most `tallest_in` inches wide and high.
    Colours are those of `ink` (text and axes), `muted` (grids and what stands back) and `paper`.
    """

    width_in: float = COLUMN_IN
    font_pt: float = 7.5
    dark: bool = False
    dots_per_in: int = 300
    tallest_in: float = 9.0

    @property
    def ink(self) -> str:
        """The colour of text and axes."""
        return "#e9e9e7" if self.dark else "#1b1b1c"

    @property
    def muted(self) -> str:
        """The colour of grids and of what stands back, 3 : 1 against the paper."""
        return "#83868c" if self.dark else "#8a8d93"

    @property
    def paper(self) -> str:
        """The colour of the background."""
        return "#14171c" if self.dark else "#ffffff"

    @property
    def small_pt(self) -> float:
        """The size of what is said in addition: legends, footnotes."""
        return self.font_pt * 0.87

    @property
    def scale(self) -> float:
        """How much more room text needs than in a column of a paper: for heights that hold lines of it."""
        return self.font_pt / 7.5

    @property
    def wide(self) -> bool:
        """Whether there is room for several panels next to each other."""
        return self.width_in > 5

    def series(self, place: int) -> dict[str, Any]:
        """Colour, line and marker of the series at a place, so that they differ in grey as well."""
        return {"color": self.colour(place), "linestyle": self.line(place), "marker": self.marker(place)}

    def colour(self, place: int) -> str:
        """The colour of the series at a place."""
        return COLOURS[place % len(COLOURS)]

    def line(self, place: int) -> Any:
        """The dashes of the series at a place."""
        return LINES[place % len(LINES)]

    def marker(self, place: int) -> str:
        """The marker of the series at a place."""
        return MARKERS[place % len(MARKERS)]

    def figure(self, height_in: float, width_in: float | None = None) -> Figure:
        """An empty figure, as wide as the style if no width is given.

        Draw in `applied`, whose settings artists take when they are made.
        """
        size = (width_in or self.width_in, height_in)
        return Figure(figsize=size, dpi=self.dots_per_in, facecolor=self.paper, layout="constrained")

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Matplotlib's own defaults and this look, whatever the user's settings, which are put back."""
        with own_settings(self._settings()):
            yield

    def _settings(self) -> dict[str, Any]:
        of_text = ("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor")
        of_axes = ("axes.edgecolor", "xtick.color", "ytick.color")
        sizes = ("font.size", "axes.labelsize", "axes.titlesize", "figure.titlesize", "figure.labelsize")
        small = ("xtick.labelsize", "ytick.labelsize", "legend.fontsize")
        return {
            **dict.fromkeys(of_text, self.ink),
            **dict.fromkeys(of_axes, self.muted),
            **dict.fromkeys(sizes, self.font_pt),
            **dict.fromkeys(small, self.small_pt),
            "axes.facecolor": "none",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.linewidth": 0.6,
            "axes.axisbelow": True,
            "axes.grid": True,
            "grid.color": self.muted,
            "grid.alpha": 0.3,
            "grid.linewidth": 0.4,
            "xtick.major.width": 0.6,
            "ytick.major.width": 0.6,
            "xtick.major.size": 2.5,
            "ytick.major.size": 2.5,
            "lines.linewidth": 1.1,
            "lines.markersize": 4,
            "legend.frameon": False,
            "legend.handlelength": 2.6,
            "legend.columnspacing": 1.2,
        }


PAPER = Style()
DOUBLE = Style(width_in=DOUBLE_IN)
WEB = Style(width_in=7.2, font_pt=9.5, dots_per_in=150, tallest_in=5.0)

_ONE_AT_A_TIME = threading.RLock()
"""Matplotlib's settings belong to the process: two threads that draw would take each other's."""
_ALWAYS: dict[str, Any] = {
    "text.parse_math": False,  # a name is no formula, whatever it holds
    "axes.unicode_minus": True,
    "svg.hashsalt": "dferbench",  # else ids, and so files, differ from time to time
    "pdf.fonttype": 42,  # what journals ask for: text that can be searched
}


@contextmanager
def own_settings(more: dict[str, Any]) -> Iterator[None]:
    """Matplotlib's defaults and those of every picture within; the settings of the process are put back."""
    with _ONE_AT_A_TIME, mpl.rc_context():
        mpl.rcdefaults()
        settings: Any = {**_ALWAYS, **more}  # whose names matplotlib types one by one, in each release others
        mpl.rcParams.update(settings)
        yield
