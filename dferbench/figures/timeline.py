"""A timeline: how the probabilities of a video's classes go."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from dferbench.figures.style import Style
from dferbench.figures.words import all_shown, finish, shown
from dferbench.inference.prediction import Prediction

NAMED = 10
"""At most so many classes, those with the highest peaks, have a colour and a place in the legend."""


def draw(one: Prediction, classes: Sequence[str], style: Style) -> Figure:
    """One curve a class over the middles of the windows."""
    times, unit = _middles(one)
    curves = list(zip(*(span.probabilities for span in one.spans), strict=True))
    order = sorted(range(len(classes)), key=lambda i: -max(curves[i]))
    named, others = order[:NAMED], order[NAMED:]
    labels = all_shown(classes, 24)
    with style.applied():
        figure = style.figure(2.6)
        axes = figure.add_subplot()
        for i in others:
            axes.plot(times, curves[i], color=style.muted, linewidth=0.5, alpha=0.6)
        for place, i in enumerate(named):
            # A class keeps its colour from video to video where there are colours enough.
            look = style.series(place if others else i)
            look["marker"] = look["marker"] if len(times) <= 30 else ""
            axes.plot(times, curves[i], label=labels[i], **look)
        if others:
            axes.plot([], [], color=style.muted, label=f"{len(others)} others")
        axes.set(xlabel=unit, ylabel="probability", ylim=(-0.02, 1.02))
        axes.set_title(shown(one.video, 60 if style.wide else 32))
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        return finish(figure, style, _alt(one, labels))


def _middles(one: Prediction) -> tuple[list[float], str]:
    seconds = [(s.start + s.end) / 2 for s in one.spans if s.start is not None and s.end is not None]
    if len(seconds) == len(one.spans):
        return seconds, "time in seconds, middle of the window"
    return [(s.first + s.last) / 2 for s in one.spans], "frame, middle of the window"


def _alt(one: Prediction, labels: Sequence[str]) -> str:
    best = max(range(len(labels)), key=lambda i: one.probabilities[i])
    mean = f"on average most probable is {labels[best]}, {one.probabilities[best]:.2f}"
    return f"Probabilities of {len(labels)} classes over time in {shown(one.video, 60)}: {mean}."
