"""Pictures of what runs predicted for each video: reliability, parts of the test videos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dferbench.cli.arguments import DecoderName, Quiet, Root
from dferbench.cli.plot.chosen import chosen
from dferbench.cli.plot.options import Dark, Datasets, File, Methods, Picture, Runs, Width
from dferbench.errors import ConfigError

MOST_PANELS = 9
"""Diagrams for which a page has room."""
MOST = 6
"""Configurations whose markers can be told apart."""


def reliability(
    context: typer.Context,
    runs: Runs,
    output: File,
    bins: Annotated[int, typer.Option(min=1, max=1000, help="Number of bins of confidence.")] = 15,
    method: Methods = None,
    dataset: Datasets = None,
    width: Width = "column",
    dark: Dark = False,
) -> None:
    """How often answers of each confidence are right: a diagram a configuration, as calibration tells it."""
    from dferbench.cli.calibration import measured
    from dferbench.figures import reliability as figure
    from dferbench.report.calibration import rows

    picture = Picture(output, width, dark)
    found = chosen(runs, context.obj, method, dataset, most=MOST_PANELS)
    drawn = rows(measured(found.records, bins, {}))
    picture.write(figure.draw(drawn, picture.style, bins, notes=found.notes))


def slices(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    runs: Runs,
    output: File,
    by: Annotated[
        list[str],
        typer.Option("--by", help="What to divide the test videos by, as dferbench slices; repeatable."),
    ],
    columns_file: Annotated[
        Path | None, typer.Option("--columns", help="A CSV file with more columns, one row a video.")
    ] = None,
    id_column: Annotated[
        str, typer.Option("--id", help="The column of that file with the video ids.")
    ] = "id",
    metric: Annotated[str, typer.Option(help="The metric that is shown and tested.")] = "uar",
    parts: Annotated[
        int, typer.Option(min=2, max=20, help="Number of groups, cut at quantiles, for columns of numbers.")
    ] = 4,
    method: Methods = None,
    dataset: Datasets = None,
    root: Root = None,
    decoder: DecoderName = "auto",
    width: Width = "column",
    dark: Dark = False,
    quiet: Quiet = False,
) -> None:
    """A metric on parts of the test videos, with intervals and the test of the largest gap."""
    from dferbench.cli.slices import Looking
    from dferbench.experiment.metrics import columns, registered
    from dferbench.figures import slices as figure
    from dferbench.interface.progress import make_progress
    from dferbench.report.slice_columns import read_columns
    from dferbench.report.slices import corrected

    picture = Picture(output, width, dark)
    shown = columns(metric, metrics=registered(context.obj))
    names = list(dict.fromkeys(name.strip() for text in by for name in text.split(",") if name.strip()))
    found = chosen(runs, context.obj, method, dataset, most=MOST, one_dataset=True)
    given = {} if columns_file is None else read_columns(columns_file, id_column)
    looking = Looking(names, given, parts, root, decoder, context.obj, make_progress(quiet))
    sliced = corrected([one for group in found.groups.values() for one in looking.sliced(group, shown)])
    if not sliced:
        raise ConfigError(
            "there is nothing to draw: no run has the predictions that slices need", "See the lines above."
        )
    picture.write(figure.draw(sliced, shown, picture.style, notes=found.notes))
