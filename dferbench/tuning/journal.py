"""What was tried: one file a search, replaced as a whole after each trial."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from dferbench.errors import ConfigError
from dferbench.experiment.record_fields import Count, Seconds, reason_of
from dferbench.files import digest, from_json, read_regular, to_json, write_atomic

SCHEMA = 1
MOST_BYTES = 64 * 2**20


class Tried(BaseModel):
    """One setting that was tried."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    values: dict[str, Any]
    """By the names that were searched."""
    config_id: str
    runs: Count
    """As many as folds times seeds."""
    seconds: Seconds
    value: float | None
    """The mean over its runs, each at its best epoch on the validation videos; None if a run failed."""
    error: str = ""


class Journal(BaseModel):
    """A search: what decides what is tried, and the trials so far."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    schema_: int = SCHEMA
    settings: dict[str, Any]
    trials: tuple[Tried, ...] = ()

    @property
    def runs(self) -> int:
        """How many runs were spent."""
        return sum(one.runs for one in self.trials)

    @property
    def seconds(self) -> float:
        """How long they took."""
        return sum(one.seconds for one in self.trials)

    def best(self, *, higher: bool) -> Tried | None:
        """The trial with the best value, the earliest of equal ones; None if none has a value."""
        known = [one for one in self.trials if one.value is not None]
        sign = 1 if higher else -1
        return max(known, key=lambda one: sign * (one.value or 0.0), default=None)


def path_of(folder: Path, method: str, settings: Mapping[str, Any]) -> Path:
    """Where the journal of these settings lies: another search has another file."""
    return folder / f"tune-{method}-{digest(dict(settings))[:8]}.json"


def read(path: Path, settings: Mapping[str, Any]) -> Journal:
    """The journal at a path, or an empty one if there is none. Raises ConfigError if it is damaged."""
    try:
        return Journal.model_validate(from_json(read_regular(path, MOST_BYTES)), strict=False)
    except FileNotFoundError:
        return Journal(settings=dict(settings))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path} is not the journal of a search: {reason_of(error)}",
            "Restore the file, or move it away: the search begins anew, and finds its runs done.",
        ) from error


def write(journal: Journal, path: Path) -> None:
    """Write it atomically. Raises DferbenchError."""
    write_atomic(path, to_json(journal.model_dump()))
