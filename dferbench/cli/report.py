"""`dferbench report RUNS -o page.html`: a study as one file to read, send and print."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dferbench.cli.arguments import LevelOrDefault, MetricNames, RankedBy, Selection
from dferbench.cli.complete import suite_names
from dferbench.errors import ConfigError
from dferbench.files import expand

if TYPE_CHECKING:
    from dferbench.pages.study import Shelf, Wishes
    from dferbench.registry.catalog import Catalog

Published = Annotated[
    list[str] | None,
    typer.Option(
        help="Also show published numbers: those of a suite, such as field, or of a file.",
        autocompletion=suite_names,
    ),
]
Title = Annotated[str, typer.Option(help="What the page is called.")]
RunsFolder = Annotated[Path, typer.Argument(help="Folder of the runs.")]


def report(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    folder: RunsFolder = Path("runs"),
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The page, a name that ends in .html.")
    ] = Path("report.html"),
    select: Selection = "last",
    metrics: MetricNames = "uar,war",
    by: RankedBy = "",
    interval: LevelOrDefault = 95.0,
    published: Published = None,
    title: Title = "Results",
    faces: Annotated[
        int,
        typer.Option(
            min=0,
            max=50,
            help="Show so many of each configuration's worst mistakes as pictures. They are personal data: "
            "do not share such a page with anyone who may not see the videos.",
        ),
    ] = 0,
    root: Annotated[
        list[str] | None, typer.Option(help="With --faces, where a dataset lies: NAME=FOLDER; repeatable.")
    ] = None,
) -> None:
    """Write one HTML file with everything that is known of the runs below a folder; it fetches nothing."""
    from dferbench.pages.mistakes import Faces
    from dferbench.pages.page import write_page
    from dferbench.registry.options import assignments

    if output.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(f"--output {output} does not end in .html", "Choose such a name: -o report.html.")
    roots = {name: expand(place) for name, place in assignments(root or []).items()}
    shown = Faces(faces, context.obj, roots) if faces else None
    shelf, wishes = asked(context.obj, folder, select, metrics, by, interval, published or [], title)
    write_page(shelf, replace(wishes, faces=shown), output)
    typer.echo(f"{output}: {len(shelf.configurations)} configurations, {output.stat().st_size / 1e6:.1f} MB")


def asked(
    catalog: Catalog, folder: Path, select: str, metrics: str, by: str, level: float,
    published: list[str], title: str,
) -> tuple[Shelf, Wishes]:  # fmt: skip
    """The configurations below a folder, and how they are to be shown; what is left out is said."""
    from dferbench.experiment.metrics import columns, registered
    from dferbench.experiment.printed import read_printed
    from dferbench.experiment.suite import printed_file
    from dferbench.pages.study import Wishes, read_shelf

    known = registered(catalog)
    files = [printed_file(text, catalog) for text in published]
    printed = [row for file in files for row in read_printed(file, known).values()]
    wishes = Wishes(select, columns(metrics, by, known), level, title, printed, _deviations(catalog))
    shelf = read_shelf(folder, wishes, known)
    for line in shelf.told:
        typer.echo(line, err=True)
    if not shelf.configurations:
        raise ConfigError(
            f"there is no finished run below {folder} that answers {select}",
            "Run something: dferbench run --help.",
        )
    return shelf, wishes


def _deviations(catalog: Catalog) -> dict[str, list[str]]:
    """How each method is known to differ from its source."""
    methods = catalog.entries["methods"]
    return {n: [*map(str, one.value.card.get("deviations", ()))] for n, one in methods.items()}
