"""How every run below a folder stands: from its record, its claim and its events. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dferbench.errors import DferbenchError
from dferbench.experiment import record as records
from dferbench.experiment.record import Record
from dferbench.runner.claims import Holder, holder_of
from dferbench.trackers.events import NAME, standing
from dferbench.trackers.facts import total_epochs


@dataclass(frozen=True)
class RunStanding:
    """One run: "done", "running", "interrupted" or "failed", or "damaged" if its record cannot be read."""

    folder: str
    status: str
    method: str = ""
    dataset: str = ""
    config_id: str = ""
    fold: int | None = None
    seed: int | None = None
    holder: Holder | None = None
    """The process that is at it, if one is."""
    epoch: int | None = None
    epochs: int | None = None
    """Of how many."""
    seconds_left: float | None = None
    """What a running one still takes, told from its last epochs; None before the first is done."""
    why: str = ""
    """Why it failed, was interrupted or is damaged, in one line."""
    stressed: bool = False
    """Whether it is a test on corrupted videos, of which each model has dozens."""

    def as_data(self) -> dict[str, Any]:
        """The same for JSON."""
        facts = asdict(self)
        del facts["stressed"]
        return facts


def standings(folder: Path) -> Iterator[RunStanding]:
    """Every run below a folder, in the order of the folders."""
    return map(_standing, records.find(folder))


def _standing(path: Path) -> RunStanding:
    folder = path.parent
    try:
        record = records.read(path, {})
    except DferbenchError as error:
        return RunStanding(str(folder), "damaged", why=f"{error}. {error.hint}")
    one = _Facts(folder, record)
    if record.status == "done":
        return one.told("done", epoch=total_epochs(record))
    if holder := holder_of(folder):
        return _running(one, holder)
    if record.status == "failed":
        return one.told("failed", why=_first_line(record.error))
    why = "its process is gone" if record.status == "running" else _first_line(record.error)
    return one.told("interrupted", epoch=_epochs_done(folder), why=why)


@dataclass(frozen=True)
class _Facts:
    folder: Path
    record: Record

    def told(self, status: str, **more: Any) -> RunStanding:
        one = self.record
        return RunStanding(
            str(self.folder), status, one.method, one.dataset, one.config_id, one.fold, one.seed,
            epochs=total_epochs(one), stressed=one.stressed, **more,
        )  # fmt: skip


def _running(one: _Facts, holder: Holder) -> RunStanding:
    now = _told_events(one.folder)
    if now is None or now.end is not None:  # it has not come to its first epoch in this process
        return one.told("running", holder=holder, epoch=now.done if now else 0)
    return one.told("running", holder=holder, epoch=now.done, seconds_left=now.seconds_left)


def _epochs_done(folder: Path) -> int:
    now = _told_events(folder)
    return now.done if now else 0


def _told_events(folder: Path) -> Any:
    """What the run reported, or None: a run that is started over may take its events away at any moment."""
    try:
        return standing(folder / NAME)
    except (OSError, DferbenchError):
        return None


def _first_line(error: str) -> str:
    return (error.splitlines() or ["it did not say why"])[0]
