"""`dferbench new`: a small package to begin a plugin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dferbench.errors import UnknownName


def new(
    context: typer.Context,
    thing: Annotated[
        str,
        typer.Argument(
            metavar="KIND", help="What it brings: method, dataset, head, prompt, metric or tracker."
        ),
    ],
    name: Annotated[str, typer.Argument(help="Its name, such as my-method.")],
    folder: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder to write, which must be new. Default: dferbench-NAME."),
    ] = None,
) -> None:
    """Write a small package with a plugin that works at once, its test and a README."""
    from dferbench.templates.package import MADE, commands, package_of, write_package

    if thing not in MADE:
        raise UnknownName("kind of package", thing, MADE)
    package = package_of(thing, name, context.obj)
    place = folder or Path(package.distribution)
    for path in write_package(package, place):
        typer.echo(str(path))
    typer.echo("\n" + "\n".join(["next:", *commands(package, place)]))
