"""`dferbench data verify`: what is wrong with a copy of a dataset, and what to do about it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dferbench.cli.complete import dataset_names
from dferbench.cli.requests import numbers
from dferbench.errors import DataError, UnknownName
from dferbench.files import json_text
from dferbench.machine.cores import cores
from dferbench.places import root_of
from dferbench.printable import one_line
from dferbench.registry.datasets import make_dataset

if TYPE_CHECKING:
    from dferbench.types import Dataset, Finding

SHOWN = 5


def verify(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    dataset: Annotated[
        str,
        typer.Argument(help="Dataset: NAME or 'NAME(option=value)'.", autocompletion=dataset_names),
    ],
    root: Annotated[Path | None, typer.Option(help="Root folder of the dataset.")] = None,
    fold: Annotated[str, typer.Option(help="Folds: 1, 1,2 or all.")] = "all",
    deep: Annotated[bool, typer.Option("--deep", help="Decode every frame instead of a sample.")] = False,
    timeout: Annotated[float, typer.Option(min=0.1, help="Time limit per video, in seconds.")] = 60.0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Number of decoding processes. Default: one per core.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Treat warnings as errors.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check a copy of a dataset: lists, folds, files, frames; exits with 4 if anything is wrong."""
    chosen = make_dataset(dataset, context.obj)
    name = chosen.entry.name
    place = root_of(name, chosen.dataset, root)

    from dferbench.data.packs.dataset import dataset_at
    from dferbench.data.verify import Depth, verify
    from dferbench.interface.progress import make_progress

    there = dataset_at(chosen, place)
    folds = folds_of(name, there, fold)
    depth = Depth(deep, timeout, workers or cores())
    findings = verify(there, place, folds, depth, make_progress())
    counts = Counter(finding.level for finding in findings)
    if json_:
        facts = {"schema": 1, "dataset": name, "root": str(place), "folds": folds, "deep": deep}
        facts |= {"errors": counts["error"], "warnings": counts["warning"]}
        typer.echo(json_text({**facts, "findings": [_data(f) for f in findings]}, indent=1))
    else:
        typer.echo("\n".join(line for finding in findings for line in _lines(finding)))
    summary = f"errors: {counts['error']}, warnings: {counts['warning']}"
    if counts["error"] or (strict and counts["warning"]):
        raise DataError(f"{name} in {place}: {summary}", "What to do stands below each; --json names all.")
    typer.echo(f"{name} in {place}: {summary}", err=json_)


def folds_of(name: str, dataset: Dataset, asked: str) -> list[int]:
    """The folds that --fold asks for. Raises UnknownName or ConfigError."""
    folds = list(dataset.folds if asked == "all" else numbers(asked, "--fold"))
    for fold in folds:
        if fold not in dataset.folds:
            raise UnknownName(f"fold of {name}", str(fold), map(str, dataset.folds))
    return folds


def _data(finding: Finding) -> dict[str, Any]:
    return {**asdict(finding), "count": len(finding.items)}


def _lines(finding: Finding) -> list[str]:
    """The finding, how many items of which the first few, and what to do."""
    lines = [f"{finding.level:<8} {finding.what}"]
    if finding.items:
        more = len(finding.items) - SHOWN
        shown = "; ".join(finding.items[:SHOWN]) + (f"; and {more} more" if more > 0 else "")
        lines.append(f"{'':<8} {len(finding.items)}: {one_line(shown)}")
    return [*lines, f"{'':<8} {finding.hint}"] if finding.hint else lines
