"""`dferbench data`: looking at datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dferbench.cli.complete import dataset_names

app = typer.Typer(no_args_is_help=True, help="Look at datasets.")


@app.command()
def sheet(
    context: typer.Context,
    dataset: Annotated[
        str,
        typer.Argument(help="The dataset, as NAME or 'NAME(option=value)'.", autocompletion=dataset_names),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The PNG to write.")] = Path("sheet.png"),
    frames: Annotated[int, typer.Option(min=1, help="Frames a video.")] = 8,
    videos: Annotated[int, typer.Option(min=1, help="Videos a class.")] = 1,
    fold: Annotated[int, typer.Option(help="The fold whose test videos are shown.")] = 1,
    root: Annotated[Path | None, typer.Option(help="Where the dataset lies.")] = None,
) -> None:
    """Write a contact sheet: some videos of each class, one row each, time from left to right."""
    from dferbench import spec
    from dferbench.cli.progress import make_progress
    from dferbench.errors import UnknownName
    from dferbench.options import resolve, schema
    from dferbench.places import root_of
    from dferbench.report.sheet import contact_sheet

    call = spec.parse_one(dataset)
    entry = context.obj.get("datasets", call.name)
    found = entry.value(**resolve(f"dataset {call.name}", schema(entry.value), call.options))
    if fold not in found.folds:
        raise UnknownName(f"fold of {call.name}", str(fold), map(str, found.folds))
    place = root_of(call.name, found, root)
    found.prepare(place, make_progress())
    shown = contact_sheet(found, place, fold, output, frames, videos)
    typer.echo(f"{output}: {shown} videos of {len(found.classes)} classes")
