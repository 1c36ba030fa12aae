"""`dferbench data ls`: every dataset, and whether it is at hand."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from dferbench.catalog import Catalog, Entry
from dferbench.errors import DferbenchError
from dferbench.places import Place, is_made, place_of
from dferbench.types import Dataset


def ls(
    context: typer.Context,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the datasets: classes, folds, where each lies, what says so, and whether it is there."""
    catalog: Catalog = context.obj
    rows = [_row(entry) for _, entry in sorted(catalog.entries["datasets"].items())]
    if json_:
        typer.echo(json.dumps({"schema": 1, "datasets": rows}, indent=1))
        return
    from tabulate import tabulate

    heads = ["name", "classes", "folds", "videos are", "state", "root", "root from"]
    lines = [["-" if value is None else value for value in row.values()] for row in rows]
    typer.echo(tabulate(lines, heads, disable_numparse=True))


def standing(dataset: Dataset, place: Place | None) -> tuple[str, str]:
    """Whether the videos are real or drawn, and the state of the root: no root, missing or there."""
    drawn = dataset.synthetic or (place is not None and is_made(place.root))
    state = "no root" if place is None else "there" if place.root.is_dir() else "missing"
    return "drawn" if drawn else "real", state


def _row(entry: Entry) -> dict[str, Any]:
    """What is known of a dataset; one that wants an option before it can be made has only a name."""
    keys = ("name", "classes", "folds", "kind", "state", "root", "source")
    try:
        dataset = entry.value()
        place = place_of(entry.name, dataset)
    except DferbenchError as error:
        return dict.fromkeys(keys, None) | {"name": entry.name, "state": error.message}
    root, source = (str(place.root), place.source) if place else (None, None)
    sizes = (len(dataset.classes) or None, len(dataset.folds) or None)
    return dict(zip(keys, (entry.name, *sizes, *standing(dataset, place), root, source), strict=True))
