"""`dferbench transfer RUNS -d a,b,c`: how models do on datasets that they were not trained on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dferbench.cli.arguments import (
    Changed,
    DecoderName,
    Device,
    Folds,
    Limit,
    MetricNames,
    Quiet,
    RankedBy,
    SkipBad,
    Workers,
)
from dferbench.cli.complete import dataset_names
from dferbench.cli.requests import request_of
from dferbench.cli.runs import where
from dferbench.errors import ConfigError, UnknownName
from dferbench.files import expand, json_text

if TYPE_CHECKING:
    from dferbench.experiment.metrics import Columns
    from dferbench.report.transfer import Matrix

FORMATS = ("text", "csv", "json")


def transfer(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    checkpoints: Annotated[
        list[Path], typer.Argument(help="Checkpoints, or folders of runs: all checkpoints below them.")
    ],
    dataset: Annotated[
        list[str],
        typer.Option("--dataset", "-d", help="Test sets: a,b,c; repeatable.", autocompletion=dataset_names),
    ],
    format_: Annotated[str, typer.Option("--format", help="text, csv or json.")] = "text",
    json_: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    runs: Annotated[Path, typer.Option("--runs", "--output", "-o", help="Folder of the runs.")] = Path(
        "runs"
    ),
    fold: Folds = None,
    device: Device = "auto",
    root: Annotated[
        list[str] | None, typer.Option(help="Where a dataset lies: NAME=FOLDER; repeatable.")
    ] = None,
    weights: Annotated[
        list[str] | None, typer.Option(help="Where backbone weights lie now: NAME=FILE.")
    ] = None,
    limit: Limit = None,
    workers: Workers = "auto",
    decoder: DecoderName = "auto",
    skip_bad: SkipBad = False,
    changed: Changed = "ask",
    force: Annotated[bool, typer.Option("--force", help="Test again even if records exist.")] = False,
    metrics: MetricNames = "uar,war",
    by: RankedBy = "",
    quiet: Quiet = False,
) -> None:
    """Test models on several datasets, on the classes that both know, and print a train x test matrix.

    On its own dataset a run's own result stands. What is finished is not tested again.
    """
    asked = locals()
    from dferbench import spec
    from dferbench.checkpoints.below import checkpoints_below
    from dferbench.experiment.metrics import columns, registered
    from dferbench.interface.progress import make_progress
    from dferbench.registry.options import assignments
    from dferbench.report.transfer import matrix
    from dferbench.runner.transfer import cross

    style = "json" if json_ else format_
    if style not in FORMATS:
        raise UnknownName("format", style, FORMATS)
    shown = columns(metrics, by, registered(context.obj))
    request = request_of(asked, dataset="", root=None, output=runs)
    names = list(dict.fromkeys(name.strip() for text in dataset for name in spec.split(text, ",")))
    files = list(dict.fromkeys(file for path in checkpoints for file in checkpoints_below(path)))
    roots = {name: expand(folder) for name, folder in assignments(root or []).items()}
    found = cross(files, names, request, roots, context.obj, make_progress(quiet))
    for why in dict.fromkeys(f"{o.trained} on {o.tested}: {o.why_not}" for o in found if o.why_not):
        typer.echo(why, err=True)
    table = matrix(found, shown)
    if not table.cells:
        raise ConfigError("no checkpoint could be tested on any of these datasets", "See the lines above.")
    typer.echo(_written(table, shown, style).rstrip("\n"))
    if style == "text":
        typer.echo(f"\n{where(runs)}")


def _written(table: Matrix, shown: Columns, style: str) -> str:
    from dferbench.report import transfer as report

    if style == "json":
        return json_text(report.as_data(table, shown))
    return report.as_csv(table, shown) if style == "csv" else report.as_text(table, shown)
