"""`dferbench evaluate`: test a checkpoint on a dataset, and show where it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dferbench.cli.arguments import (
    Changed,
    DatasetName,
    DecoderName,
    Device,
    Folds,
    Limit,
    MetricNames,
    Output,
    Quiet,
    RankedBy,
    Root,
    SkipBad,
    Workers,
)
from dferbench.cli.complete import method_names
from dferbench.cli.requests import request_of
from dferbench.cli.run import conclude


def evaluate(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    checkpoint: Annotated[
        Path,
        typer.Option(
            "--checkpoint",
            "-c",
            help="A run's checkpoint.safetensors, an imported file, or one that the authors' code saved.",
        ),
    ],
    dataset: DatasetName,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            help="Method; needed only for official files, which do not state it.",
            autocompletion=method_names,
        ),
    ] = "",
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="A change of the input (input.sample=...); for an official file, what it does not say "
            "(position=middle).",
        ),
    ] = None,
    classes: Annotated[str, typer.Option(help="For an official file: its class names in order: a,b,c.")] = "",
    fold: Folds = None,
    device: Device = "auto",
    output: Output = Path("runs"),
    root: Root = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            help="Backbone weights, NAME=FILE: for a run's checkpoint their current location, for an "
            "official file those that it lacks."
        ),
    ] = None,
    limit: Limit = None,
    workers: Workers = "auto",
    decoder: DecoderName = "auto",
    skip_bad: SkipBad = False,
    changed: Changed = "ask",
    force: Annotated[bool, typer.Option("--force", help="Test again even if a record exists.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the records as one JSON object.")] = False,
    metrics: MetricNames = "uar,war",
    by: RankedBy = "",
    quiet: Quiet = False,
) -> int:
    """Test a trained model on a dataset. Classes are matched by name; nothing in the file is executed."""
    asked = locals()
    from dferbench.cli.import_ import names
    from dferbench.experiment.metrics import columns, registered
    from dferbench.interface.evaluate import tested
    from dferbench.interface.progress import make_progress

    shown = columns(metrics, by, registered(context.obj))
    request, progress = request_of(asked), make_progress(quiet)
    plan, records = tested(checkpoint, request, names(classes), context.obj, progress)
    return conclude(records, plan, json_, shown)
