"""`dferbench submit`: runs made ready for a repository of results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dferbench.cli.arguments import Device, Quiet, Root, Workers, number_of
from dferbench.errors import UnknownName
from dferbench.files import json_text

if TYPE_CHECKING:
    from dferbench.submission.bundle import Bundle


def submit(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder of the runs.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The bundle, a folder that is not there yet.")
    ],
    level: Annotated[
        str,
        typer.Option(
            help="How thoroughly to verify, where the data are at hand: re-scored, lists or re-evaluated."
        ),
    ] = "lists",
    synthetic: Annotated[
        bool, typer.Option("--synthetic", help="Also submit runs on drawn faces, which are marked.")
    ] = False,
    root: Root = None,
    device: Device = "auto",
    workers: Workers = "auto",
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    quiet: Quiet = False,
) -> None:
    """Make what a pull request to a repository of results needs: verified runs without anything personal."""
    from dferbench.experiment.metrics import registered
    from dferbench.interface.progress import make_progress
    from dferbench.submission.bundle import Submission
    from dferbench.submission.bundle import submit as bundled
    from dferbench.verification.lists import DatasetLists
    from dferbench.verification.verdict import LEVELS, PROVEN
    from dferbench.verification.verify import How

    deep = LEVELS[LEVELS.index(PROVEN) :]
    if level not in deep:
        raise UnknownName("level that proves a number", level, deep)
    known, progress = registered(context.obj), make_progress(quiet or json_)
    lists = DatasetLists(context.obj, "", root, progress)
    how = How(level, lists, known, device, number_of(workers), progress)
    wanted = Submission(how, known, frozenset(context.obj.entries["methods"]), synthetic)
    found = bundled(folder, output, wanted)
    for line in found.left_out:
        typer.echo(f"left out: {line}", err=True)
    typer.echo(json_text(_as_data(found, output), indent=1) if json_ else _as_text(found, output))


def _as_data(found: Bundle, output: Path) -> dict[str, Any]:
    runs = [
        {"folder": place.as_posix(), "sha256": record.sha256, "levels": dict(verified.verdict.levels),
         "caveats": list(record.caveats)}
        for place, (record, verified) in found.runs.items()
    ]  # fmt: skip
    more = {"left_out": found.left_out, "removed": sorted(found.removed)}
    return {"schema": 1, "bundle": str(output), "runs": runs, **more}


def _as_text(found: Bundle, output: Path) -> str:
    from dferbench.submission.bundle import RESULTS, SUMMARY

    runs = "1 run" if len(found.runs) == 1 else f"{len(found.runs)} runs"
    removed = [f"  {line}" for line in sorted(found.removed)]
    return "\n".join(
        [
            f"{runs} in {output}, {len(found.left_out)} left out",
            *(["taken out of the records:", *removed] if removed else []),
            "next:",
            f"  1. look at it: dferbench leaderboard {output}",
            f"  2. in a checkout of the repository: dferbench merge {output / RESULTS} -o results",
            f"  3. open a pull request with the text of {output / SUMMARY}, its questions answered",
        ]
    )
