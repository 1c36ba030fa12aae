"""`dferbench stress CHECKPOINT`: what blur, noise, lost frames and the like cost a trained model."""

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
    Root,
    SkipBad,
    Workers,
)
from dferbench.cli.complete import dataset_names
from dferbench.cli.requests import request_of
from dferbench.errors import UnknownName
from dferbench.files import json_text

if TYPE_CHECKING:
    from dferbench.experiment.metrics import Columns
    from dferbench.experiment.plan import Request
    from dferbench.experiment.record import Record
    from dferbench.progress import Progress
    from dferbench.registry.catalog import Catalog
    from dferbench.report.stress import StressTable

FORMATS = ("text", "csv", "json")


def stress(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    checkpoint: Annotated[
        Path,
        typer.Argument(
            help="A checkpoint, the folder of a run, or that of a configuration: all its folds and seeds."
        ),
    ],
    dataset: Annotated[
        str,
        typer.Option(
            "--dataset",
            "-d",
            help="What to test on; by default what it was trained on.",
            autocompletion=dataset_names,
        ),
    ] = "",
    only: Annotated[
        str, typer.Option(help="Some corruptions: blur,jpeg,frame-drop. By default all eleven.")
    ] = "",
    format_: Annotated[str, typer.Option("--format", help="text, csv or json.")] = "text",
    json_: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    figure: Annotated[
        Path | None,
        typer.Option(
            "--figure", "--output", "-o", help="Also plot the drop per corruption: a .png, .pdf or .svg file."
        ),
    ] = None,
    runs: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs"),
    fold: Folds = None,
    device: Device = "auto",
    root: Root = None,
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
    """Test a model on its test videos and on corrupted ones: the clean score first, then what is lost.

    Each video is read once for all corruptions. What is finished is not tested again.
    """
    asked = locals()
    from dferbench.experiment.metrics import columns, registered
    from dferbench.interface.progress import make_progress

    style = "json" if json_ else format_
    if style not in FORMATS:
        raise UnknownName("format", style, FORMATS)
    if figure is not None:
        from dferbench.figures.save import require_form

        require_form(figure)
    shown = columns(metrics, by, registered(context.obj))
    request = request_of(asked, output=runs)
    names = tuple(name.strip() for name in only.split(",") if name.strip())
    table = _measured(checkpoint, request, names, context.obj, make_progress(quiet), shown)
    if figure is not None:
        from dferbench.figures import stress as drawn
        from dferbench.figures.save import save
        from dferbench.figures.style import DOUBLE

        save(drawn.draw(table, shown.by, DOUBLE), figure)
    typer.echo(_written(table, shown, style).rstrip("\n"))
    if style == "text":
        from dferbench.runner.stress import APART

        typer.echo(f"\nThe clean tests lie below {runs}, those on corrupted videos below {runs / APART}.")


def _measured(
    path: Path,
    request: Request,
    names: tuple[str, ...],
    catalog: Catalog,
    progress: Progress,
    shown: Columns,
) -> StressTable:
    """The table of all checkpoints at a path, opened one after another."""
    from dataclasses import replace

    from dferbench.checkpoints.below import checkpoints_below, own_dataset
    from dferbench.checkpoints.read import read_checkpoint
    from dferbench.data.stress.corruptions import stresses
    from dferbench.registry.datasets import make_dataset
    from dferbench.report.stress import stress_table
    from dferbench.runner.evaluate import plan_test
    from dferbench.runner.stress import measure_stressed

    wanted = stresses(names)
    clean: list[Record] = []
    stressed: list[Record] = []
    for file in checkpoints_below(path):
        text = request.dataset or own_dataset(file)
        checkpoint = read_checkpoint(file, catalog, dataset=make_dataset(text, catalog))
        plan = plan_test(replace(request, dataset=text), checkpoint, catalog)
        for version, records in measure_stressed(plan, checkpoint, wanted, catalog, progress):
            (clean if version is None else stressed).extend(records)
    return stress_table(clean, stressed, shown)


def _written(table: StressTable, shown: Columns, style: str) -> str:
    from dferbench.report import stress as report

    if style == "json":
        return json_text(report.as_data(table, shown))
    return report.as_csv(table, shown) if style == "csv" else report.as_text(table, shown)
