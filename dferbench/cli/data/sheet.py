"""`dferbench data sheet`: what the videos look like."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dferbench.cli.complete import dataset_names


def sheet(
    context: typer.Context,
    dataset: Annotated[
        str,
        typer.Argument(help="Dataset: NAME or 'NAME(option=value)'.", autocompletion=dataset_names),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="PNG file to write.")] = Path("sheet.png"),
    frames: Annotated[int, typer.Option(min=1, help="Frames per video.")] = 8,
    videos: Annotated[int, typer.Option(min=1, help="Videos per class.")] = 1,
    fold: Annotated[int, typer.Option(help="Fold whose test videos are shown.")] = 1,
    root: Annotated[Path | None, typer.Option(help="Root folder of the dataset.")] = None,
) -> None:
    """Write a contact sheet: some videos of each class, one row each, time from left to right."""
    from dferbench.data.packs.dataset import dataset_at
    from dferbench.errors import UnknownName
    from dferbench.interface.progress import make_progress
    from dferbench.places import root_of
    from dferbench.registry.datasets import make_dataset
    from dferbench.report.sheet import contact_sheet

    chosen = make_dataset(dataset, context.obj)
    name = chosen.entry.name
    place = root_of(name, chosen.dataset, root)
    found = dataset_at(chosen, place)
    if fold not in found.folds:
        raise UnknownName(f"fold of {name}", str(fold), map(str, found.folds))
    found.prepare(place, make_progress())
    shown = contact_sheet(found, place, fold, output, frames, videos)
    typer.echo(f"{output}: {shown} videos of {len(found.classes)} classes")
