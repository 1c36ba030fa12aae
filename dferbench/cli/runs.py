"""`dferbench runs`: what is done, what is running, and what failed and why."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dferbench import collector
from dferbench.errors import ConfigError
from dferbench.files import json_text

if TYPE_CHECKING:
    from dferbench.runner.standings import RunStanding

STATUSES = ("running", "done", "interrupted", "failed", "damaged")


def runs(
    folder: Annotated[Path, typer.Argument(help="Folder of the runs.")] = Path("runs"),
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the runs below a folder: done, running (by whom, since when, time left), interrupted or failed.

    Tests on corrupted videos (`dferbench stress`) are counted, not listed.
    """
    from dferbench.runner.standings import standings

    if not folder.is_dir():
        raise ConfigError(
            f"there is no folder {folder}", "Run something first, or name the folder of the runs."
        )
    with collector.paused(keep=True):
        everything = list(standings(folder))
    found = [one for one in everything if not one.stressed]
    apart = len(everything) - len(found)
    if json_:
        counts, data = _counted(found), [one.as_data() for one in found]
        typer.echo(json_text({"schema": 1, "counts": counts, "stressed": apart, "runs": data}))
        return
    if found:
        typer.echo(_table(found, folder) + "\n")
    typer.echo(_counts(found, folder))
    if apart:
        typer.echo(f"and {apart} tests on corrupted videos: dferbench stress shows them")


def where(folder: Path) -> str:
    """Where runs lie, as verbs that made several say it at their end."""
    return f"The runs lie below {folder}; dferbench runs {shlex.quote(str(folder))} lists them."


def _counted(found: Sequence[RunStanding]) -> dict[str, int]:
    counts = Counter(one.status for one in found)
    return {status: counts[status] for status in STATUSES}


def _counts(found: Sequence[RunStanding], folder: Path) -> str:
    words = [f"{count} {status}" for status, count in _counted(found).items() if count]
    runs = "1 run" if len(found) == 1 else f"{len(found)} runs"
    return f"{runs} below {folder}{': ' if words else ''}{', '.join(words)}"


def _table(found: Sequence[RunStanding], folder: Path) -> str:
    from dferbench.report.fitted import fitted

    lines = [
        [os.path.relpath(one.folder, folder), one.status, _epochs(one), _left(one), _more(one)]
        for one in found
    ]
    heads = ["run", "status", "epoch", "left", "by whom, or why"]
    return fitted(lines, heads, labels=1)


def _epochs(one: RunStanding) -> str:
    return f"{one.epoch}/{one.epochs}" if one.epoch is not None else ""


def _left(one: RunStanding) -> str:
    from dferbench.cli.standing import clock

    return clock(one.seconds_left) if one.seconds_left is not None else ""


def _more(one: RunStanding) -> str:
    return str(one.holder) if one.holder else one.why
