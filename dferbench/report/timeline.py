"""A timeline: how the probabilities of a video's classes go, as a picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from dferbench.files import write_atomic
from dferbench.inference.prediction import Prediction
from dferbench.printable import one_line

NAMED = 10
"""At most so many classes, those with the highest peaks, have a colour and a place in the legend."""


def timeline(one: Prediction, classes: Sequence[str], path: Path) -> None:
    """Write a PNG, PDF or SVG, as the name ends: one curve a class over the middles of the windows.

    Raises DferbenchError if it cannot be written.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    times, unit = _middles(one)
    curves = list(zip(*(span.probabilities for span in one.spans), strict=True))
    order = sorted(range(len(classes)), key=lambda i: -max(curves[i]))
    named, others = order[:NAMED], order[NAMED:]
    for i in others:
        axes.plot(times, curves[i], color="0.8", linewidth=0.8)
    for place, i in enumerate(named):
        # A class keeps its colour from video to video where there are colours enough.
        colour = colormaps["tab10"](place if others else i)
        axes.plot(
            times, curves[i], color=colour, linewidth=1.6, marker=_marker(len(times)), label=_name(classes[i])
        )
    if others:
        axes.plot([], [], color="0.8", label=f"{len(others)} others")
    axes.set(xlabel=unit, ylabel="probability", ylim=(-0.02, 1.02))
    axes.grid(alpha=0.25)
    # A file name is not a formula, whatever it holds.
    video = one_line(one.video)
    axes.set_title(video if len(video) <= 80 else f"...{video[-77:]}", fontsize=10, parse_math=False)
    legend = axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9)
    for text in legend.get_texts():
        text.set_parse_math(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format=path.suffix[1:].lower())
    write_atomic(path, buffer.getvalue())


FORMATS = (".png", ".pdf", ".svg")


def _name(label: str) -> str:
    """The name of a class as a legend has room for it. One that begins with _ would be left out of it."""
    line = one_line(label)
    return (" " if line.startswith("_") else "") + (line if len(line) <= 30 else f"{line[:27]}...")


def _middles(one: Prediction) -> tuple[list[float], str]:
    seconds = [(s.start + s.end) / 2 for s in one.spans if s.start is not None and s.end is not None]
    if len(seconds) == len(one.spans):
        return seconds, "time in seconds, middle of the window"
    return [(s.first + s.last) / 2 for s in one.spans], "frame, middle of the window"


def _marker(count: int) -> str:
    return "o" if count <= 30 else ""
