"""What a parent and its jobs tell each other, pickled, over one pipe a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from dferbench.errors import DferbenchError
from dferbench.experiment.plan import Request
from dferbench.experiment.record import Record
from dferbench.experiment.suite import Row


@dataclass(frozen=True)
class Start:
    """What a job begins with: the rows of a suite, or the one request of `run`, which has no row."""

    suite: str
    rows: tuple[tuple[Row | None, Request], ...]
    plugins: tuple[Path, ...]
    """The files of `--plugin`."""
    environment: Mapping[str, str]
    check: bool = False
    """Whether it checks what can be known before any run starts, and draws or prepares the data."""

    def for_job(self, environment: Mapping[str, str], *, check: bool) -> Start:
        """The same for a job with an environment of its own."""
        return replace(self, environment=environment, check=check)


@dataclass(frozen=True)
class Deal:
    """To a job: do this run of that row. None in its place: there is nothing more to do."""

    row: int
    fold: int
    seed: int


@dataclass(frozen=True)
class Ready:
    """From a job: it waits for its first run."""


@dataclass(frozen=True)
class SaidLine:
    """From a job: a line for the user."""

    text: str


@dataclass(frozen=True)
class At:
    """From a job: how far a piece of work has come."""

    what: str
    done: int
    total: int
    unit: str
    facts: Mapping[str, float]


@dataclass(frozen=True)
class Raised:
    """An error of a run as text, since exceptions of plugins need not survive a pipe."""

    message: str
    hint: str
    exit_code: int

    def error(self) -> DferbenchError:
        """The error that it was, for the command line to tell."""
        again = DferbenchError(self.message, self.hint)
        again.exit_code = self.exit_code
        return again

    @property
    def line(self) -> str:
        """The error and what to do about it."""
        return f"{self.message}. {self.hint}".strip()


@dataclass(frozen=True)
class Refused:
    """From a job, which ends with it: it cannot begin."""

    failure: Raised


@dataclass(frozen=True)
class Ended:
    """From a job: its run left this record, or raised this."""

    record: Record | None
    failure: Raised | None
