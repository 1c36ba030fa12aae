"""`dferbench data ls`: every dataset, and whether it is available."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from dferbench.errors import DferbenchError
from dferbench.files import json_text
from dferbench.places import Place, holds_made, place_of
from dferbench.registry.catalog import Catalog
from dferbench.registry.datasets import Chosen, make_dataset


def ls(
    context: typer.Context,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the datasets: classes, folds, root folder, where the root was set, and whether it exists."""
    catalog: Catalog = context.obj
    rows = [_row(name, catalog) for name in sorted(catalog.entries["datasets"])]
    if json_:
        typer.echo(json_text({"schema": 1, "datasets": rows}, indent=1))
        return
    from dferbench.report.fitted import fitted

    heads = ["name", "classes", "folds", "videos are", "state", "root", "root from"]
    typer.echo(fitted([list(row.values()) for row in rows], heads))


def standing(chosen: Chosen, place: Place | None) -> tuple[str, str]:
    """Whether the videos are real or drawn, and the state of the root: no root, missing, there or a pack.

    Raises DferbenchError for a pack that is of no use to this dataset.
    """
    from dferbench.data.packs.dataset import dataset_at
    from dferbench.data.packs.index import is_pack

    drawn, state = chosen.dataset.synthetic, "no root"
    if place is not None:
        drawn = dataset_at(chosen, place.root).synthetic or holds_made(place.root)
        state = "a pack" if is_pack(place.root) else "there" if place.root.is_dir() else "missing"
    return "drawn" if drawn else "real", state


def _row(name: str, catalog: Catalog) -> dict[str, Any]:
    """What is known of a dataset; one that needs an option before it can be made has only a name."""
    keys = ("name", "classes", "folds", "kind", "state", "root", "source")
    try:
        chosen = make_dataset(name, catalog)
        place = place_of(name, chosen.dataset)
        kind, state = standing(chosen, place)
    except DferbenchError as error:
        return dict.fromkeys(keys, None) | {"name": name, "state": error.message}
    root, source = (str(place.root), place.source) if place else (None, None)
    sizes = (len(chosen.dataset.classes) or None, len(chosen.dataset.folds) or None)
    return dict(zip(keys, (name, *sizes, kind, state, root, source), strict=True))
