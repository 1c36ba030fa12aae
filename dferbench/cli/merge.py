"""`dferbench merge`: runs of several places in one folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def merge(
    context: typer.Context,
    folders: Annotated[list[Path], typer.Argument(help="Folders of runs, two or more.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where all runs are to lie.")],
) -> None:
    """Unite studies: copy the finished runs of several folders into one, and overwrite nothing."""
    from dferbench.experiment.metrics import registered
    from dferbench.runner.merge import merge as unite

    done = unite(folders, output, registered(context.obj))
    for line in done.left_out:
        typer.echo(line, err=True)
    there = f"; {done.there} were there already" if done.there else ""
    runs = "1 run" if done.copied == 1 else f"{done.copied} runs"
    typer.echo(f"{runs} copied into {output}{there}")
