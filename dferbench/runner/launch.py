"""Rows of a suite as commands of their own, for launchers that start them here or elsewhere."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from dferbench import stopping
from dferbench.errors import ConfigError, DferbenchError
from dferbench.experiment.plan import Request
from dferbench.registry.catalog import Catalog

Command: TypeAlias = "list[str]"
SECONDS_TO_STOP = 30.0
"""What a row's process may take to end once it was asked to."""
Launcher: TypeAlias = "Callable[[Sequence[Command]], Sequence[int]]"
"""Starts a process for each command and returns their exit codes, in the same order, when all have ended."""


def row_command(suite: Path, row: int, request: Request, epochs: int | None, catalog: Catalog) -> Command:
    """The command line that runs one row of a suite, with every setting of `request`."""
    plugins = [word for file in catalog.files for word in ("--plugin", str(file.resolve()))]
    words = [
        sys.executable,
        "-m",
        "dferbench",
        *plugins,
        "bench",
        str(suite.resolve()),
        "--rows",
        str(row),
        "--quiet",
    ]
    return [*words, *_options(request, epochs)]


def _options(request: Request, epochs: int | None) -> Iterator[str]:
    folds = "all" if request.folds == () else ",".join(map(str, request.folds or ()))
    single = {
        "--dataset": request.dataset, "--fold": folds, "--seed": ",".join(map(str, request.seeds)),
        "--root": request.root, "--limit": request.limit, "--output": request.output,
        "--device": request.device, "--devices": request.devices, "--workers": request.workers,
        "--epochs": epochs,
    }  # fmt: skip
    for name, value in single.items():
        if value is not None and value != "":
            yield from (name, str(value))
    for name, pairs in (("--set", request.sets), ("--weights", request.weights)):
        for key, value in pairs.items():
            yield from (name, f"{key}={value}")
    for tracker in request.trackers:
        yield from ("--tracker", tracker)
    if request.changed != "ask":
        yield from ("--changed", request.changed)
    if request.skip_bad:
        yield "--skip-bad"
    if request.save_every:
        yield f"--save-every={request.save_every}"
    if request.force:
        yield "--force"


def launch(text: str, commands: Mapping[int, Command], catalog: Catalog) -> dict[int, str]:
    """Start the commands of rows with the launcher that `text` names; return why rows failed, by number.

    Raises UnknownName or ConfigError for a launcher that cannot be built or gives no exit codes.
    """
    launcher: Launcher = catalog.make("launchers", text)
    try:
        codes = list(launcher(list(commands.values())))
    except DferbenchError:
        raise
    except Exception as error:
        stopping.check()
        raise ConfigError(
            f"the launcher '{text}' failed: {type(error).__name__}: {error}",
            "What is finished is kept; run the same command to continue, perhaps without --launcher.",
        ) from error
    if len(codes) != len(commands):
        raise ConfigError(
            f"the launcher '{text}' returned {len(codes)} exit codes for {len(commands)} commands",
            "Fix its plugin: it must return one exit code for each command.",
        )
    ended = zip(commands, codes, strict=True)
    return {row: f"its process ended with exit code {code}" for row, code in ended if code}


def processes() -> Launcher:
    """One process after another on this machine, so that a row that crashes takes no other with it."""

    return lambda commands: [_run(command) for command in commands]


def _run(command: Command) -> int:
    """Start it and wait; a stop is passed on, and waited for, so that the row's record says so."""
    stopping.check()
    # Standard output belongs to the command that the user gave.
    with subprocess.Popen(command, stdout=sys.stderr) as process:
        try:
            code = process.wait()
        except BaseException:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(SECONDS_TO_STOP)
            process.kill()
            raise
    stopping.check()
    return code
