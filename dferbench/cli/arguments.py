"""Options that several verbs take, declared once, so that they read alike everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dferbench.cli.complete import dataset_names

DatasetName = Annotated[
    str,
    typer.Option(
        "--dataset", "-d", help="The dataset, as NAME or 'NAME(option=value)'.", autocompletion=dataset_names
    ),
]
Folds = Annotated[
    str | None, typer.Option("--fold", "-f", help="Folds: 1, 1,3 or all; the first if not given.")
]
Seeds = Annotated[str, typer.Option("--seed", "-s", help="Seeds: 0 or 0,1,2.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="The folder of the runs.")]
Root = Annotated[Path | None, typer.Option(help="Where the dataset lies.")]
Limit = Annotated[
    int | None, typer.Option(min=1, help="Use at most N videos of each split: a trial, marked as such.")
]
Workers = Annotated[int, typer.Option("--workers", "-j", min=0, help="Processes that read videos.")]
DecoderName = Annotated[str, typer.Option(help="auto, or the name of a decoder.")]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Leave out videos that cannot be read; the record names them.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
Trackers = Annotated[
    list[str] | None,
    typer.Option(
        "--tracker", help="Also log to csv, tensorboard, wandb or mlflow, as NAME or 'NAME(option=value)'."
    ),
]
