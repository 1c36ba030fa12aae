"""`dferbench leaderboard`: the records below a folder, ranked."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dferbench.errors import ConfigError, DferbenchError, UnknownName

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dferbench.catalog import Catalog
    from dferbench.record import Record


def leaderboard(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="The folder of the runs.")] = Path("runs"),
    select: Annotated[
        str, typer.Option("--select", "--selection", help="Which epoch counts: last, or best-on-test.")
    ] = "last",
    by: Annotated[str, typer.Option(help="Rank by uar or war.")] = "uar",
    dataset: Annotated[
        list[str] | None, typer.Option("--dataset", "-d", help="Only this; repeatable.")
    ] = None,
    method: Annotated[list[str] | None, typer.Option("--method", "-m", help="Only this; repeatable.")] = None,
    backbone: Annotated[list[str] | None, typer.Option(help="Only this, or none; repeatable.")] = None,
    marks: Annotated[
        list[str] | None, typer.Option(help="Only rows with this mark ('synthetic'), or none; repeatable.")
    ] = None,
    protocol: Annotated[str, typer.Option(help="any, or complete: results of every fold.")] = "any",
    style: Annotated[str, typer.Option(help="simple, github, latex_booktabs, html, tsv, ...")] = "simple",
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Rank every finished run below a folder, per dataset."""
    from tabulate import tabulate_formats

    from dferbench.report.keep import Filters, keep
    from dferbench.report.leaderboard import load, rows
    from dferbench.report.text import leaderboard as as_text

    if by not in ("uar", "war"):
        raise UnknownName("ranking", by, ["uar", "war"])
    if style not in tabulate_formats:
        raise UnknownName("style", style, tabulate_formats)
    records, problems = load(folder)
    for problem in problems:
        typer.echo(problem, err=True)
    if not records:
        raise ConfigError(f"there is no finished run below {folder}", "Run something: dferbench run --help.")
    filters = Filters(
        datasets=tuple(dataset or ()),
        methods=tuple(method or ()),
        backbones=tuple(backbone or ()),
        marks=tuple(marks or ()),
        protocol=protocol,
    )
    folds = _folds(records, context.obj) if protocol == "complete" else {}
    made = keep(rows(records, select, by), filters, folds)
    if json_:
        typer.echo(json.dumps({"schema": 1, "select": select, "rows": [asdict(row) for row in made]}))
    elif made:
        typer.echo(as_text(made, select, style))
    else:
        raise ConfigError(f"no run below {folder} passes all filters", "Leave one of them out.")


def _folds(records: Iterable[Record], catalog: Catalog) -> dict[str, tuple[int, ...]]:
    """Per cell the folds of its dataset; a dataset whose plugin is not there is left out, with a line."""
    from dferbench.datasets import make_dataset, written

    found: dict[str, tuple[int, ...]] = {}
    unknown: dict[str, str] = {}
    for one in {one.cell: one for one in records}.values():
        text = written(one.dataset, one.dataset_given)
        try:
            found[one.cell] = tuple(make_dataset(text, catalog).dataset.folds)
        except DferbenchError as error:
            unknown[text] = str(error)
    for text, why in unknown.items():
        typer.echo(f"left out, as the folds of {text} are not known: {why}", err=True)
    return found
