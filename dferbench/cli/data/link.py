"""`dferbench data link`: remember where a dataset lies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dferbench import places
from dferbench.cli.complete import dataset_names
from dferbench.errors import ConfigError, DataError
from dferbench.files import expand
from dferbench.registry.datasets import make_dataset


def link(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="Name of the dataset, without options.", autocompletion=dataset_names)
    ],
    folder: Annotated[Path | None, typer.Argument(help="Root folder, or a pack of the dataset.")] = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Forget the root folder; no file is deleted.")
    ] = False,
) -> None:
    """Remember a dataset's root in the configuration file, so that --root is not needed."""
    context.obj.get("datasets", _plain(name))
    if remove == (folder is not None):
        raise typer.BadParameter("give either a folder or --remove")
    if folder is not None and not expand(folder).is_dir():
        raise DataError(f"{folder} is not a folder", "Name the dataset's root, or a pack of it.")
    root = expand(folder).absolute() if folder else None
    file = places.link(name, root)
    typer.echo(f"{file}: {name} {f'lies in {root}' if root else 'is forgotten'}")
    _warn(context, name, root)


def _plain(name: str) -> str:
    if any(sign in name for sign in "(:|"):
        raise ConfigError(
            f"'{name}' is not a plain name", "A root holds for every option: link the name alone."
        )
    return name


def _warn(context: typer.Context, name: str, root: Path | None) -> None:
    """Say so if something stronger than the configuration names another root."""
    place = places.place_of(name, make_dataset(name, context.obj).dataset)
    if root is not None and place is not None and place.root != root:
        typer.echo(f"note: {place.source} says {place.root}, and comes first", err=True)
