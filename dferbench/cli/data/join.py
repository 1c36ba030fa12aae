"""`dferbench data join`: several datasets as one, on the classes that all of them know."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dferbench.cli.complete import dataset_names
from dferbench.errors import ConfigError
from dferbench.files import expand
from dferbench.places import root_of
from dferbench.registry.datasets import make_dataset

if TYPE_CHECKING:
    from dferbench.data.join import JoinedDataset, JoinedLists
    from dferbench.progress import Progress
    from dferbench.registry.catalog import Catalog


def join(
    context: typer.Context,
    dataset: Annotated[list[str], typer.Argument(help="Two datasets or more.", autocompletion=dataset_names)],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to; must be new or empty.")],
    root: Annotated[
        list[str] | None, typer.Option(help="Where a dataset lies: NAME=FOLDER; repeatable.")
    ] = None,
) -> None:
    """Write lists of the videos of several datasets, to train on all of them: for leave-one-dataset-out."""
    from dferbench.data.join import LISTS, VIDEOS
    from dferbench.data.join import join as joined
    from dferbench.interface.progress import make_progress
    from dferbench.registry.options import assignments

    folder = expand(output)
    roots = {name: expand(place) for name, place in assignments(root or []).items()}
    progress = make_progress()
    members = [_member(text, roots, context.obj, progress) for text in dataset]
    names = [one.name for one in members]
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise ConfigError(f"{', '.join(names)} cannot be joined", "Name two different datasets or more.")
    found = joined(members, folder, shlex.join(["dferbench", "data", "join", *dataset]))
    typer.echo(_as_text(names, found))
    words = ["-d", f"list(path={folder / LISTS}, links=true)", "--root", str(folder / VIDEOS)]
    typer.echo(f"\ndferbench run -m METHOD {shlex.join(words)}")


def _member(text: str, roots: dict[str, Path], catalog: Catalog, progress: Progress) -> JoinedDataset:
    """Raises ConfigError for a pack, whose videos are not files."""
    from dferbench.data.join import JoinedDataset
    from dferbench.data.packs.index import is_pack

    chosen = make_dataset(text, catalog)
    name = chosen.entry.name
    place = root_of(name, chosen.dataset, roots.get(name))
    if is_pack(place):
        raise ConfigError(
            f"{place} is a pack, whose videos are not files", f"Name the release: --root {name}=DIR."
        )
    chosen.dataset.prepare(place, progress)
    return JoinedDataset(name, chosen.dataset, place)


def _as_text(names: list[str], found: JoinedLists) -> str:
    from dferbench.report.fitted import fitted

    rows = [[str(fold), split, *map(str, counts)] for (fold, split), counts in found.counts.items()]
    return f"{fitted(rows, ['fold', 'part', *names])}\n\nclasses: {', '.join(found.classes)}"
