"""The critical-difference diagram: mean ranks on a line, bars under what was not shown to differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dferbench.experiment.record import Record
from dferbench.figures.style import Style
from dferbench.figures.words import all_shown, finish, shown
from dferbench.report.ranks import Ranked, describe

STUB_IN, TICK_IN = 0.08, 0.16
"""The length of a branch's end, and how far the numbers of ranks are from each other at least, in inches."""
LINE, HALF = 0.28, 0.14
"""The height of a line of text, of which inches are made, and half of it."""


def draw(one: Ranked, style: Style, records: Iterable[Record] = (), *, notes: Sequence[str] = ()) -> Figure:
    """The diagram, best on the right; `records` are those that were ranked, whose caveats it shows."""
    made, count = one.ranking, len(one.labels)
    low = LINE * len(made.groups) + 0.2
    with style.applied():
        rows = (count + 1) // 2
        figure = style.figure((1.25 + LINE * (rows + len(made.groups))) * style.font_pt / 9)
        axes = figure.add_subplot()
        labels = all_shown(one.labels, 34 if style.wide else 17)
        stub = _span(axes, style, count, [labels[row] for row in made.order])
        axes.set_ylim(-low - LINE * rows, 0.8)
        axes.axis("off")
        _scale(axes, style, count, max(1, round(TICK_IN * stub / STUB_IN + 0.5)))
        for place, row in enumerate(made.order):
            best = place < rows
            depth = -low - LINE * (place if best else count - 1 - place)
            side = 1 - stub if best else count + stub
            _branch(axes, style, made.ranks[row], (side, depth), stub / 2, labels[row], right=best)
        for place, group in enumerate(made.groups):
            ranks = [made.ranks[row] for row in group]
            bar = -HALF - LINE * place
            axes.plot([min(ranks) - 0.04, max(ranks) + 0.04], [bar, bar], color=style.colour(1), linewidth=3)
        if made.critical is not None:
            _critical(axes, style, made.critical)
        more = [shown(line, 300) for line in one.left_out]
        alt = f"Critical-difference diagram by {one.metric.title}: {describe(one)}"
        return finish(figure, style, alt, records, notes=[*more, *notes])


def _span(axes: Axes, style: Style, count: int, labels: Sequence[str]) -> float:
    """Let the ranks have the width that the labels on both sides leave, and give the length of the branches'
    ends, in ranks."""
    letter = 0.53 * style.small_pt / 72
    right, left = (
        max((len(one) for one in side), default=0) + len(" (10.00) ")
        for side in (labels[: (count + 1) // 2], labels[(count + 1) // 2 :])
    )
    for_ranks = style.width_in - 0.3 - (left + right) * letter
    rank_in = for_ranks / (count - 1)
    axes.set_xlim(count + (left * letter + 0.1) / rank_in, 1 - (right * letter + 0.1) / rank_in)
    return STUB_IN / rank_in


def _scale(axes: Axes, style: Style, count: int, every: int) -> None:
    """The line of ranks; the first is numbered and those that are multiples of `every`."""
    axes.plot([1, count], [0, 0], color=style.ink, linewidth=1)
    for rank in range(1, count + 1):
        axes.plot([rank, rank], [0, 0.08], color=style.ink, linewidth=0.8)
        if rank == 1 or (rank % every == 0 and rank > every / 2 + 1):
            axes.text(rank, 0.12, str(rank), ha="center", va="bottom", fontsize=style.small_pt)


def _branch(
    axes: Axes, style: Style, rank: float, end: tuple[float, float], gap: float, label: str, *, right: bool
) -> None:
    side, depth = end
    axes.plot([rank, rank, side], [0, depth, depth], color=style.ink, linewidth=0.7)
    words: dict[str, Any] = {"ha": "left" if right else "right", "va": "center", "fontsize": style.small_pt}
    # Ranks grow to the left.
    beyond = side - gap if right else side + gap
    axes.text(beyond, depth, f"{label} ({rank:.2f})", **words)


def _critical(axes: Axes, style: Style, critical: float) -> None:
    axes.plot([1, 1 + critical], [0.52, 0.52], color=style.colour(0), linewidth=2)
    words = f"critical difference {critical:.2f}"
    axes.text(1, 0.6, words, ha="right", va="bottom", fontsize=style.small_pt)
