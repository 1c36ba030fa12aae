"""`dferbench site RUNS -o folder/`: many runs as a folder of linked pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dferbench.cli.arguments import LevelOrDefault, MetricNames, RankedBy, Selection
from dferbench.cli.report import Published, RunsFolder, Title, asked


def site(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    folder: RunsFolder = Path("runs"),
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A new folder, or that of an earlier site.")
    ] = Path("site"),
    select: Selection = "last",
    metrics: MetricNames = "uar,war",
    by: RankedBy = "",
    interval: LevelOrDefault = 95.0,
    published: Published = None,
    title: Title = "Results",
) -> None:
    """Write a folder of pages, one a configuration, with all predictions; it opens without a server."""
    from dferbench.pages.site import require_own, write_site

    require_own(output)
    shelf, wishes = asked(context.obj, folder, select, metrics, by, interval, published or [], title)
    count = write_site(shelf, wishes, output)
    typer.echo(f"{output / 'index.html'}: {len(shelf.configurations)} configurations, {count} files")
