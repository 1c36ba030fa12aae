"""`dferbench watch`: follow a run while it trains."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dferbench import exit_codes
from dferbench.errors import ConfigError

if TYPE_CHECKING:
    from dferbench.trackers.events import Standing

SECONDS_BETWEEN_LOOKS = 0.5


def watch(
    run: Annotated[
        Path, typer.Argument(help="The run's folder, or one above it: of several runs the newest.")
    ] = Path("runs"),
    once: Annotated[bool, typer.Option("--once", help="Print how the run stands now, and stop.")] = False,
) -> int:
    """Follow a run: epoch, losses, learning rates, UAR, WAR and time left. Ends when the run ends."""
    from dferbench.cli.watch_screen import make_screen
    from dferbench.trackers.events import newest, standing

    _check(run)
    events = None
    with make_screen(run) as screen:
        while True:
            events = events or newest(run)
            now = standing(events)
            screen.show(now)
            if once or (now and now.over):
                return _exit_code(now, events.parent) if now and events else 0
            time.sleep(SECONDS_BETWEEN_LOOKS)


def _check(run: Path) -> None:
    """What would be waited for without end is refused. Raises ConfigError."""
    from dferbench.experiment import record as records
    from dferbench.trackers.events import newest

    if run.is_file():
        raise ConfigError(f"{run} is a file", "Give the folder of a run, or one above it such as runs.")
    path = run / records.NAME
    if path.is_file() and newest(run) is None and records.read(path).status != "running":
        raise ConfigError(f"the run in {run} left no events", "Its result is in dferbench leaderboard.")


def _exit_code(now: Standing, folder: Path) -> int:
    """0 for a run that is done or continues, what the run itself ended with if it failed, else that of a run
    that was interrupted or whose process is gone: the command that started it resumes it."""
    from dferbench.experiment import record as records

    if not now.over or now.succeeded:
        return 0
    path = folder / records.NAME
    if path.is_file() and (record := records.read(path)).status == "failed":
        return record.exit_code or 1
    return exit_codes.STOPPED
