"""`dferbench data make`: a drawn release in the official form of a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dferbench.cli.complete import dataset_names
from dferbench.errors import ConfigError, UnknownName
from dferbench.files import expand
from dferbench.registry.catalog import Catalog
from dferbench.registry.datasets import make_dataset


def make(
    context: typer.Context,
    dataset: Annotated[
        str,
        typer.Argument(help="Dataset: NAME or 'NAME(option=value)'.", autocompletion=dataset_names),
    ],
    root: Annotated[Path, typer.Option(help="Folder to write to; must be new or empty.")],
    layout: Annotated[
        str, typer.Option(help="Layout of the official release; `dferbench data info` lists them.")
    ] = "",
    scale: Annotated[float, typer.Option(help="Fraction of the real number of videos, up to 1.")] = 0.01,
    seed: Annotated[int, typer.Option(min=0, help="Random seed for the drawn people.")] = 0,
) -> None:
    """Write a synthetic release: drawn faces in the official folders, names and lists, marked as drawn."""
    chosen = make_dataset(dataset, context.obj)
    name, layouts = chosen.entry.name, chosen.dataset.layouts
    if not layouts:
        raise ConfigError(f"{name} cannot be made", f"These can: {', '.join(_makeable(context.obj))}.")
    if layout and layout not in layouts:
        raise UnknownName(f"layout of {name}", layout, layouts)
    if not 0 < scale <= 1:
        raise ConfigError(f"--scale cannot be {scale:g}", "It is a share: above 0 and at most 1.")
    form = layout or layouts[0]
    root = expand(root)

    from dferbench.data.make import find_paint, make_release
    from dferbench.interface.progress import make_progress

    call = f"dferbench data make '{dataset}' --layout {form} --scale {scale:g} --seed {seed}"
    paint = find_paint(context.obj, seed)
    new = make_release(chosen.dataset, root, form, scale, paint, call, make_progress())
    typer.echo(f"{root}: {name} as {form}, drawn{'' if new else ' by an earlier call'}")


def _makeable(catalog: Catalog) -> list[str]:
    entries = catalog.entries["datasets"].items()
    return [name for name, entry in sorted(entries) if getattr(entry.value, "layouts", ())] or ["none"]
