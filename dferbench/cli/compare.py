"""`dferbench compare A B`: what differs between two runs or configurations, and only then their numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dferbench.cli.arguments import LevelOrDefault, MetricNames, RankedBy, Selection
from dferbench.files import json_text


def compare(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    a: Annotated[
        str,
        typer.Argument(
            help="A run (its folder, fold1-seed0, or its record.json) or a configuration (its folder or the "
            "first characters of its id)."
        ),
    ],
    b: Annotated[str, typer.Argument(help="The run or configuration it is compared with, named likewise.")],
    select: Selection = "last",
    anyway: Annotated[bool, typer.Option("--anyway", help="Even if their videos are not the same.")] = False,
    metrics: MetricNames = "uar,war",
    by: RankedBy = "",
    interval: LevelOrDefault = 95.0,
    runs: Annotated[Path, typer.Option(help="Folder of the runs, where an id is looked for.")] = Path("runs"),
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare two runs or configurations: what differs in the protocol, then the numbers and paired tests.

    Of configurations, the runs of the same fold and seed are compared.
    """
    from dferbench.experiment import selection
    from dferbench.experiment.metrics import columns, registered
    from dferbench.report.comparison import compared
    from dferbench.report.sides import read_side

    selection.require(select)
    known = registered(context.obj)
    shown = columns(metrics, by, known)
    sides = read_side(Path(a), runs, known), read_side(Path(b), runs, known)
    found = compared(*sides, select, shown, interval, anyway=anyway)
    typer.echo(json_text(found.facts) if json_ else str(found))
    found.require_comparable(anyway=anyway)
