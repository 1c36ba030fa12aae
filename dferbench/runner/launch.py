"""What a launcher starts: one command, as often as it likes, since processes on one folder share its runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from dferbench import stopping
from dferbench.errors import ConfigError, DferbenchError
from dferbench.experiment.plan import Request
from dferbench.registry.catalog import Catalog

Command: TypeAlias = "list[str]"
SECONDS_TO_STOP = 30.0
"""What a process may take to end once it was asked to."""


@dataclass(frozen=True)
class Study:
    """Rows of a suite with runs to do, and the command that does them.

    Each process that starts `command` takes the next run that nobody is at, until none is left; so all
    processes are alike, any of them may die, and whichever comes later continues what it left. It ends with
    0 when all is done, and with 75 if it was asked to stop or others are at what is left.
    """

    name: str
    words: tuple[str, ...]
    """The command without its rows."""
    rows: tuple[int, ...]
    runs: int
    """Runs to do: more processes than these would have nothing to do."""
    output: Path
    """The folder that the processes must share, as an absolute path."""
    force: bool = False

    @property
    def command(self) -> Command:
        """The command for all rows. Raises ConfigError with --force: each process would begin anew."""
        if self.force:
            raise ConfigError(
                "--force cannot be shared: every process would start over what another has just finished",
                "Move the runs away, or use --launcher processes.",
            )
        return self.only(*self.rows)

    def only(self, *rows: int) -> Command:
        """The command for some of the rows."""
        return [*self.words, "--rows", ",".join(map(str, rows))]


Codes: TypeAlias = "Sequence[int] | Mapping[int, int] | None"
"""Exit codes of processes when all have ended, by row where each had a row of its own; None if they go on
without us, as in the queue of a scheduler."""
Launcher: TypeAlias = "Callable[[Study], Codes]"
"""Starts processes for a study. It may have `preview(study)`: the text that `--dry-run` prints."""


def study_of(
    name: str, suite: Path, rows: Mapping[int, int], request: Request, epochs: int | None, catalog: Catalog
) -> Study:
    """The study of a suite's rows, of which each has so many runs to do, with every setting of `request`."""
    plugins = [word for file in catalog.files for word in ("--plugin", str(file.absolute()))]
    begin = [sys.executable, "-m", "dferbench", *plugins, "bench", str(suite.absolute())]
    words = (*begin, *_options(request, epochs))
    return Study(name, words, tuple(rows), sum(rows.values()), request.output.absolute(), request.force)


def _options(request: Request, epochs: int | None) -> Iterator[str]:
    folds = "all" if request.folds == () else ",".join(map(str, request.folds or ()))
    single = {
        "--dataset": request.dataset, "--fold": folds, "--seed": ",".join(map(str, request.seeds)),
        "--root": request.root, "--limit": request.limit, "--output": request.output.absolute(),
        "--device": request.device, "--devices": request.devices, "--workers": request.workers,
        "--epochs": epochs, "--validation": request.validation, "--patience": request.patience,
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


def preview(text: str, study: Study, catalog: Catalog) -> str:
    """What the launcher that `text` names would send, if it can say so. Raises as `launch` does."""
    tell = getattr(catalog.make("launchers", text), "preview", None)
    return str(_careful(text, tell, study)) if tell and study.rows else ""


def launch(text: str, study: Study, catalog: Catalog) -> Codes:
    """Start a study with the launcher that `text` names, unless all is done.

    Raises UnknownName or ConfigError for a launcher that cannot be built, fails, or gives no exit codes.
    """
    launcher: Launcher = catalog.make("launchers", text)
    codes: Any = _careful(text, launcher, study) if study.rows else []
    if codes is None:
        return None
    numbers = [*codes, *codes.values()] if isinstance(codes, Mapping) else codes
    if not isinstance(numbers, list | tuple) or not all(isinstance(one, int) for one in numbers):
        raise ConfigError(
            f"the launcher '{text}' returned {codes!r:.60}, which are no exit codes",
            "Fix its plugin: it returns the exit codes of its processes, or None if they go on without it.",
        )
    return dict(codes) if isinstance(codes, Mapping) else numbers


def _careful(text: str, call: Callable[[Study], object], study: Study) -> object:
    try:
        return call(study)
    except DferbenchError:
        raise
    except Exception as error:
        stopping.check()
        raise ConfigError(
            f"the launcher '{text}' failed: {type(error).__name__}: {error}",
            "What is finished is kept; run the same command to continue, perhaps without --launcher.",
        ) from error


def processes() -> Launcher:
    """One process after another on this machine, so that a row that crashes takes no other with it."""

    return lambda study: {row: run_process(study.only(row)) for row in study.rows}


def run_process(command: Command) -> int:
    """Start it and wait; a stop is passed on, and waited for, so that the run's record says so."""
    stopping.check()
    # Standard output belongs to the command that the user gave.
    with subprocess.Popen(command, stdout=sys.stderr) as process, ended_with_us(process):
        code = process.wait()
    stopping.check()
    return code


@contextmanager
def ended_with_us(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """What ends the block ends the process: it is asked to, waited for a while, and killed at last."""
    try:
        yield
    except BaseException:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(SECONDS_TO_STOP)
        process.kill()
        raise
