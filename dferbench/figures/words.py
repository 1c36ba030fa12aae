"""Texts in pictures: names of any origin made harmless and short, and what is said of the whole picture."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dferbench.experiment.record import Record
from dferbench.figures.style import Style
from dferbench.printable import one_line
from dferbench.report.caveats import meaning
from dferbench.report.labels import told_apart

DRAWN = "drawn faces: says nothing about real faces"
"""What a picture of synthetic results says above everything else."""
SYNTHETIC = "synthetic"
_NO_XML = re.compile("[\ufffe\uffff]")
"""What XML admits no more than the controls that `printable` writes out."""


def shown(text: str, most: int = 36) -> str:
    """A text in one line of at most so many characters, its middle left out where it has more.

    What a terminal obeys, or what shows text in another order, is written out; so is what no SVG may hold.
    """
    text = text if len(text) <= 8 * most else text[: 4 * most] + text[-4 * most :]
    line = _NO_XML.sub("\ufffd", one_line(text))
    if len(line) <= most:
        return line
    kept = most - 1
    return f"{line[: kept - kept // 3]}…{line[len(line) - kept // 3 :]}"


def all_shown(texts: Iterable[str], most: int = 36) -> list[str]:
    """The same of several, of which no two are alike."""
    short = [shown(one, most) for one in texts]
    return told_apart(short, [{"number": str(place)} for place in range(1, len(short) + 1)])


def sentence(figure: Figure) -> str:
    """The alternative text of a drawn figure: what it shows, with its main numbers, in one sentence."""
    return str(figure.get_label())


def finish(
    figure: Figure,
    style: Style,
    alt: str,
    records: Iterable[Record] = (),
    caveats: Iterable[str] = (),
    notes: Sequence[str] = (),
) -> Figure:
    """The figure with its alternative text, a mark if its faces are drawn, and below it in small letters the
    caveats of the records in it and of `caveats`, then the notes."""
    shown_runs = list(records)
    known = list(dict.fromkeys([*(c for one in shown_runs for c in one.caveats), *caveats]))
    unfinished = sum(one.status != "done" for one in shown_runs)
    said = [meaning(caveat) for caveat in known if caveat != SYNTHETIC]
    said += [f"{unfinished} of {len(shown_runs)} runs are not finished"] if unfinished else []
    figure.set_label(shown(f"{alt} These are {DRAWN}." if SYNTHETIC in known else alt, 10_000))
    if SYNTHETIC in known:
        figure.suptitle(DRAWN, color=style.colour(1), fontsize=style.small_pt, fontstyle="italic")
    if said := [*said, *notes]:
        text = _folded(said, style)
        figure.supxlabel(text, x=0.01, ha="left", fontsize=style.small_pt * 0.9)
        _make_room(figure, style, text.count("\n") + 1)
    return figure


def _make_room(figure: Figure, style: Style, lines: int) -> None:
    """A figure has room for two lines of notes; more make it higher, or its panels would have no height."""
    more_in = max(0, lines - 2) * style.small_pt * 0.9 * 1.25 / 72
    figure.set_figheight(figure.get_figheight() + more_in)


def counted(number: int, what: str) -> str:
    """A number of things, such as "1 run" and "2 runs"."""
    return f"{number} {what}{'s' * (number != 1)}"


def legend_above(axes: Axes, columns: int = 1) -> None:
    """The legend above the panel, where it hides nothing; to the left it may reach as far as labels do."""
    if axes.get_legend_handles_labels()[1]:
        where: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1, 1), "ncols": columns}
        axes.legend(**where, borderaxespad=0.1, labelspacing=0.25)


def _folded(notes: Sequence[str], style: Style) -> str:
    """Notes in lines as wide as the figure; a letter is about half as wide as it is high."""
    most = int(style.width_in * 72 / (style.small_pt * 0.9 * 0.52))
    return "\n".join(line for one in notes for line in textwrap.wrap(shown(one, 400), most))
