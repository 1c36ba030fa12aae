"""A picture strip: the frames that a model was shown, what counts in them, and when."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dferbench.errors import ConfigError
from dferbench.explaining.explanation import ROLLOUT, Explanation
from dferbench.files import finite, to_json, write_atomic

FORMATS = (".png", ".pdf", ".svg")
COLUMNS = 8
"""Frames side by side."""
UNDATED: dict[str, dict[str, Any]] = {
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None},
    ".svg": {"Date": None},
}
"""What each format would say of the moment or the program: the same explanation has the same bytes."""


def require_format(path: Path) -> None:
    """Raise ConfigError for a name that ends in none of FORMATS."""
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"--output {path} is none of {', '.join(FORMATS)}", "Choose one of these endings.")


def strip(found: Explanation, path: Path) -> None:
    """Write the strip as a PNG, PDF or SVG. Raises DferbenchError if it cannot be written."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    count = len(found.frames)
    columns = min(count, COLUMNS)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(max(1.5 * columns, 5), 1.7 * rows + 1.6), dpi=120, layout="constrained")
    grid = figure.add_gridspec(rows + 1, columns, height_ratios=[*[1.0] * rows, 0.5])
    heat = drawn_heat(found)
    for t in range(count):
        _frame(figure.add_subplot(grid[t // columns, t % columns]), found, heat, t)
    _bars(figure.add_subplot(grid[rows, :]), found)
    title = f"{found.explained}: {found.probability:.2f}, by {found.method}"
    if found.explained != found.predicted:
        title += f" (predicted: {found.predicted})"
    # A class may be called anything, and is no formula.
    figure.suptitle(title, fontsize=10, parse_math=False)
    buffer, suffix = io.BytesIO(), path.suffix.lower()
    with rc_context({"svg.hashsalt": "dferbench"}):
        figure.savefig(buffer, format=suffix[1:], metadata=UNDATED[suffix])
    write_atomic(path, buffer.getvalue())


def drawn_heat(found: Explanation) -> NDArray[np.float64]:
    """(T, h, w) in 0..1, one where most counts in the video: of roll-out a frame's places share what the
    frame has, of occlusion they are the same in all frames. What speaks against the class is not drawn."""
    space = found.heat.space.clip(min=0)
    if found.method == ROLLOUT:
        space = space * found.heat.time[:, None, None]
    top = float(space.max())
    return space / top if top > 0 else space


def _frame(axes: Any, found: Explanation, heat: NDArray[np.float64], t: int) -> None:
    size = found.frames.shape[1]
    axes.imshow(found.frames[t])
    axes.imshow(
        heat[t],
        cmap="inferno",
        vmin=0,
        vmax=1,
        alpha=0.6 * heat[t],
        extent=(-0.5, size - 0.5, size - 0.5, -0.5),
    )
    axes.set_title(f"frame {found.numbers[t]}", fontsize=7, pad=2)
    axes.set_axis_off()


def _bars(axes: Any, found: Explanation) -> None:
    """How much each frame counts."""
    axes.bar(range(len(found.heat.time)), found.heat.time, width=0.9, color="#b63679")
    axes.axhline(0, color="0.4", linewidth=0.6)
    axes.set_xticks(range(len(found.numbers)), [str(n) for n in found.numbers], fontsize=6)
    axes.tick_params(axis="y", labelsize=6)
    label = "share of attention" if found.method == ROLLOUT else "fall of log-odds"
    axes.set_ylabel(label, fontsize=6)
    axes.set_xlabel("frame", fontsize=7)
    axes.set_xlim(-0.5, len(found.numbers) - 0.5)


def as_json(found: Explanation) -> str:
    """One object: the answer, how it was explained and why so, and the heat as numbers."""
    said = {
        "schema": 1,
        "video": found.video,
        "checkpoint": dict(found.facts),
        "predicted": found.predicted,
        "class": found.explained,
        "probabilities": dict(zip(found.classes, found.probabilities, strict=True)),
        "method": found.method,
        "why": found.why,
        "frames": [int(n) for n in found.numbers],
        "time": found.heat.time.tolist(),
        "space": found.heat.space.tolist(),
    }
    return to_json(finite(said))


def as_text(found: Explanation) -> str:
    """The answer and where to look, in lines."""
    time = found.heat.time
    first = int(time.argmax())
    places = drawn_heat(found)[first]
    row, column = np.unravel_index(int(places.argmax()), places.shape)
    height, width = places.shape
    lines = [
        f"{found.video}: {found.explained} {found.probability:.4f}",
        f"by {found.method}: {found.why}",
        f"frame {found.numbers[first]} counts most, and in it row {row + 1} of {height}, "
        f"column {column + 1} of {width}",
    ]
    if found.explained != found.predicted:
        lines.insert(1, f"the model predicts {found.predicted}")
    return "\n".join(lines)
