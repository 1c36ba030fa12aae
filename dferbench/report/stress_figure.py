"""What corruptions cost a model, as a picture."""

from __future__ import annotations

import io
from pathlib import Path

from dferbench.errors import ConfigError
from dferbench.experiment.metrics import Metric
from dferbench.files import write_atomic
from dferbench.printable import one_line
from dferbench.report.stress import StressTable

FORMATS = (".png", ".pdf", ".svg")
LONGEST = 100
"""Characters of the title."""


def require_format(path: Path) -> None:
    """Raise ConfigError for a file name that ends like no picture."""
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"{path} must end in {', '.join(FORMATS)}", "Choose such a name for the figure.")


def stress_figure(table: StressTable, metric: Metric, path: Path) -> None:
    """Write a PNG, PDF or SVG, as the name ends: a group of bars a corruption, darker with severity.

    Raises DferbenchError if it cannot be written.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(row.corruption for row in table.rows))
    figure = Figure(figsize=(9, 4), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    for severity in (1, 2, 3):
        rows = [row for row in table.rows if row.severity == severity and row.drops[metric.name]]
        drops = [one for row in rows if (one := row.drops[metric.name])]
        spreads = [one.spread or 0 for one in drops]
        axes.bar(
            [names.index(row.corruption) + 0.27 * (severity - 2) for row in rows],
            [one.mean for one in drops],
            0.25,
            yerr=spreads if any(spreads) else None,
            color=colormaps["Blues"](0.25 + 0.25 * severity),
            label=f"severity {severity}",
        )
    clean = table.clean[metric.name]
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axes.set_ylabel(f"loss of {metric.title} ({metric.unit})")
    axes.axhline(0, color="0.3", linewidth=0.8)
    title = one_line(f"{table.method} on {table.dataset}: clean {metric.title} {clean}")
    axes.set_title(title[:LONGEST], fontsize=10, parse_math=False)
    axes.legend(frameon=False, fontsize=9)
    buffer = io.BytesIO()
    figure.savefig(buffer, format=path.suffix[1:].lower())
    write_atomic(path, buffer.getvalue())
