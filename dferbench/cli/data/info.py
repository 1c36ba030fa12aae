"""`dferbench data info`: what a dataset is, how to get it and where to put it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from dferbench.cli.complete import dataset_names
from dferbench.cli.data.ls import standing
from dferbench.files import json_text
from dferbench.places import Place, place_of
from dferbench.registry.datasets import Chosen, make_dataset


def info(
    context: typer.Context,
    dataset: Annotated[
        str,
        typer.Argument(help="Dataset: NAME or 'NAME(option=value)'.", autocompletion=dataset_names),
    ],
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show a dataset: classes, folds, protocol, licence, how to get it, where to put it, options."""
    chosen = make_dataset(dataset, context.obj)
    facts = _facts(chosen, place_of(chosen.entry.name, chosen.dataset))
    if json_:
        typer.echo(json_text({"schema": 1, **facts}, indent=1))
        return
    for key, value in facts.items():
        for line in _lines(key, value):
            typer.echo(line)


def _facts(chosen: Chosen, place: Place | None) -> dict[str, Any]:
    dataset = chosen.dataset
    kind, state = standing(chosen, place)
    return {
        "name": chosen.entry.name,
        "about": dataset.about,
        "origin": chosen.entry.origin,
        "classes": list(dataset.classes),
        "folds": list(dataset.folds),
        **dataset.facts,
        "where": dataset.where,
        "layouts": list(dataset.layouts),
        "options": chosen.options,
        "videos are": kind,
        "root": f"{place.root} ({state}; from {place.source})" if place else _how(chosen.entry.name),
    }


def _how(name: str) -> str:
    return f"not known; say it with --root DIR, or once with: dferbench data link {name} DIR"


def _lines(key: str, value: Any) -> list[str]:
    if isinstance(value, dict):
        value = [f"{name}={default!r}" for name, default in value.items()]
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return [f"{key + ':':<11} {text}"] if text else []
