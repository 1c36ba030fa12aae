"""`dferbench data leaks`: test videos that training knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, astuple
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dferbench.cli.arguments import DatasetName
from dferbench.cli.data.verify import folds_of
from dferbench.errors import UnknownName, VideoError
from dferbench.files import json_text, write_atomic
from dferbench.machine.cores import cores
from dferbench.places import root_of
from dferbench.registry.datasets import make_dataset

if TYPE_CHECKING:
    from dferbench.data.leaks.find import Leak

FORMATS = ("text", "csv", "json")
SHOWN = 20
"""Lines of each kind and fold that text shows."""


def leaks(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    dataset: DatasetName,
    root: Annotated[Path | None, typer.Option(help="Root folder of the dataset.")] = None,
    fold: Annotated[str, typer.Option("--fold", "-f", help="Folds: 1, 1,2 or all.")] = "all",
    least: Annotated[
        float,
        typer.Option(min=0, max=1, help="Minimum likeness of two videos to count as copies; 1: identical."),
    ] = 0.75,
    timeout: Annotated[float, typer.Option(min=0.1, help="Time limit per video, in seconds.")] = 60.0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Number of decoding processes. Default: one per core.")
    ] = None,
    format_: Annotated[str, typer.Option("--format", help="text, csv or json.")] = "text",
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the list as CSV, for leaderboard and table --without."),
    ] = None,
) -> None:
    """List test videos of which training has a copy, or others of the same actor, film or session."""
    if format_ not in FORMATS:
        raise UnknownName("format", format_, FORMATS)
    chosen = make_dataset(dataset, context.obj)
    name = chosen.entry.name
    place = root_of(name, chosen.dataset, root)

    from dferbench.data.leaks.file import as_csv
    from dferbench.data.leaks.find import leaks_in
    from dferbench.data.packs.dataset import dataset_at
    from dferbench.interface.progress import make_progress

    there, progress = dataset_at(chosen, place), make_progress()
    folds = folds_of(name, there, fold)
    found, bad = leaks_in(there, place, folds, least, timeout, workers or cores(), progress)
    for error in bad:
        typer.echo(f"not compared: {error}", err=True)
    if output is not None:
        write_atomic(output, as_csv(name, found))
        typer.echo(f"{len(found)} lines in {output}", err=True)
    if json_ or format_ == "json":
        typer.echo(_json(name, folds, found, bad))
    elif format_ == "csv":
        typer.echo(as_csv(name, found).rstrip("\n"))
    else:
        typer.echo(_text(name, found))


def _json(name: str, folds: Sequence[int], found: Sequence[Leak], bad: Sequence[VideoError]) -> str:
    facts = {"schema": 1, "dataset": name, "folds": folds, "not_compared": [error.path for error in bad]}
    return json_text({**facts, "leaks": [asdict(one) for one in found]}, indent=1)


def _text(name: str, found: Sequence[Leak]) -> str:
    """The first of each kind and fold, then how many there are."""
    from dferbench.report.fitted import fitted

    counts = Counter((one.fold, one.kind) for one in found)
    shown = [one for key in counts for one in [one for one in found if (one.fold, one.kind) == key][:SHOWN]]
    heads = ["fold", "test video", "leak", "training video", "likeness", "source"]
    lines = [["" if cell is None else str(cell) for cell in astuple(one)] for one in shown]
    more = "; -o FILE writes all" if len(shown) < len(found) else ""
    told = [f"fold {fold}: {count} by {kind}" for (fold, kind), count in counts.items()]
    summary = f"{name}: {len(found)} leaks{': ' if told else ''}{', '.join(told)}{more}"
    return "\n\n".join([*([fitted(lines, heads)] if lines else []), summary])
