"""The critical-difference diagram: mean ranks on a line, bars under what was not shown to differ."""

from __future__ import annotations

import io
from pathlib import Path

from dferbench.errors import ConfigError
from dferbench.files import write_atomic
from dferbench.printable import one_line, printable
from dferbench.report.ranks import Ranked, describe

FORMS = {".png": "png", ".svg": "svg"}
LONGEST = 60
"""Characters of a label."""


def require_form(path: Path) -> None:
    """Raise ConfigError for a file whose ending is none of FORMS."""
    if path.suffix.lower() not in FORMS:
        raise ConfigError(f"--diagram {path} is neither .png nor .svg", "Choose one of these endings.")


def _short(label: str) -> str:
    """A label that a picture can show: in one line, and no wider than half a page."""
    line = one_line(label)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."


def draw(one: Ranked, path: Path) -> None:
    """Write the diagram, best on the right; its metadata has the description for who cannot see it."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    made, count = one.ranking, len(one.labels)
    height = 1.4 + 0.28 * ((count + 1) // 2 + len(made.groups))
    figure = Figure(figsize=(6, height))
    axes = figure.add_subplot()
    low = 0.28 * len(made.groups) + 0.2
    axes.set(xlim=(count + 0.6, 0.4), ylim=(-low - 0.28 * ((count + 1) // 2) - 0.1, 0.75))
    axes.axis("off")
    axes.plot([1, count], [0, 0], color="black", linewidth=1.2)
    for rank in range(1, count + 1):
        axes.plot([rank, rank], [0, 0.08], color="black", linewidth=1)
        axes.text(rank, 0.12, str(rank), ha="center", va="bottom", fontsize=9)
    for place, row in enumerate(made.order):
        best = place < (count + 1) // 2
        side = 0.8 if best else count + 0.2
        depth = -low - 0.28 * (place if best else count - 1 - place)
        axes.plot([made.ranks[row]] * 2 + [side], [0, depth, depth], color="black", linewidth=0.8)
        words = f"{_short(one.labels[row])} ({made.ranks[row]:.2f})"
        beyond = side + (-0.05 if best else 0.05)
        side_of_text = "left" if best else "right"
        axes.text(beyond, depth, words, ha=side_of_text, va="center", fontsize=9, parse_math=False)
    for place, group in enumerate(made.groups):
        ranks = [made.ranks[row] for row in group]
        bar = -0.14 - 0.28 * place
        axes.plot([min(ranks) - 0.04, max(ranks) + 0.04], [bar, bar], color="tab:red", linewidth=4)
    if made.critical is not None:
        axes.plot([1, 1 + made.critical], [0.5, 0.5], color="tab:blue", linewidth=2)
        axes.text(1, 0.55, f"critical difference {made.critical:.2f}", ha="right", va="bottom", fontsize=9)
    kind, buffer = FORMS[path.suffix.lower()], io.BytesIO()
    facts = {"Title": f"Mean ranks by {one.metric.title}", "Description": printable(describe(one))}
    facts |= {"Date": ""} if kind == "svg" else {}
    with rc_context({"svg.hashsalt": "dferbench"}):
        figure.savefig(buffer, format=kind, dpi=150, metadata=facts, bbox_inches="tight")
    write_atomic(path, buffer.getvalue())
