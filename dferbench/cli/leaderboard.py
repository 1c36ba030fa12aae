"""`dferbench leaderboard`: the records below a folder, ranked."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from dferbench.errors import ConfigError, UnknownName


def leaderboard(
    folder: Annotated[Path, typer.Argument(help="The folder of the runs.")] = Path("runs"),
    select: Annotated[str, typer.Option(help="Which epoch counts: last, or best-on-test.")] = "last",
    by: Annotated[str, typer.Option(help="Rank by uar or war.")] = "uar",
    style: Annotated[str, typer.Option(help="simple, github, latex_booktabs, html, tsv, ...")] = "simple",
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Rank every finished run below a folder, per dataset."""
    from tabulate import tabulate_formats

    from dferbench.report.leaderboard import load, rows
    from dferbench.report.text import leaderboard as as_text

    if by not in ("uar", "war"):
        raise UnknownName("ranking", by, ["uar", "war"])
    if style not in tabulate_formats:
        raise UnknownName("style", style, tabulate_formats)
    records, problems = load(folder)
    for problem in problems:
        typer.echo(problem, err=True)
    made = rows(records, select, by)
    if json_:
        typer.echo(json.dumps({"schema": 1, "select": select, "rows": [asdict(row) for row in made]}))
    elif made:
        typer.echo(as_text(made, select, style))
    else:
        raise ConfigError(f"there is no finished run below {folder}", "Run something: dferbench run --help.")
