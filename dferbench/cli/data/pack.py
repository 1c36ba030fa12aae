"""`dferbench data pack`: a copy of a dataset that trains fast."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dferbench.cli.complete import dataset_names
from dferbench.files import expand, json_text

if TYPE_CHECKING:
    from dferbench.data.packs.index import Index


def pack(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    dataset: Annotated[
        str,
        typer.Argument(help="Dataset: NAME or 'NAME(option=value)'.", autocompletion=dataset_names),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="Output folder for the pack; an interrupted job continues there."
        ),
    ],
    root: Annotated[Path | None, typer.Option(help="Root folder of the dataset.")] = None,
    quality: Annotated[
        int, typer.Option(min=1, max=100, help="JPEG quality for video files; images are copied as they are.")
    ] = 95,
    workers: Annotated[
        int,
        typer.Option(
            "--workers",
            "-j",
            min=0,
            help="Number of processes that read videos; 0 reads in the main process.",
        ),
    ] = 2,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Skip unreadable videos; the pack lists them.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print what was packed as one JSON object.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Copy all frames of all videos into one file, and use it as the dataset's root: run --root PACK.

    Images are copied byte for byte; video files are decoded and their frames stored as JPEG, which is
    noted with every result. The same command continues where it stopped, and brings a pack up to date.
    """
    from dferbench.data.packs.write import PackJob, pack
    from dferbench.interface.progress import make_progress
    from dferbench.places import root_of
    from dferbench.registry.datasets import make_dataset

    chosen = make_dataset(dataset, context.obj)
    place = root_of(chosen.entry.name, chosen.dataset, root)
    job = PackJob(chosen, place, expand(output), quality, workers, skip_bad)
    facts = _facts(pack(job, make_progress(quiet)))
    if json_:
        typer.echo(json_text({"schema": 1, "pack": str(job.output), **facts}))
    else:
        typer.echo(_text(job.output, facts))


def _facts(index: Index) -> dict[str, object]:
    bad = sorted(name for name, video in index.videos.items() if video.bad)
    return {
        "dataset": index.dataset,
        "videos": len(index.videos) - len(bad),
        "frames": sum(video.frames for video in index.videos.values()),
        "reencoded": index.reencoded,
        "bad": bad,
    }


def _text(output: Path, facts: dict[str, object]) -> str:
    lost = f", {len(bad)} left out" if isinstance(bad := facts["bad"], list) and bad else ""
    again = f"; {facts['reencoded']}" if facts["reencoded"] else ""
    return f"{output}: {facts['videos']} videos of {facts['dataset']}, {facts['frames']} frames{lost}{again}"
