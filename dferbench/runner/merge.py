"""Studies made in several places, united in one folder. Nothing that is there is overwritten.

All records are read before the first file is written, so a study that cannot be united leaves no half. Each
run arrives whole: copied next to its place, then renamed. A merge that was killed continues with the same
command.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dferbench import stopping
from dferbench.errors import ConfigError, DataError, DferbenchError
from dferbench.experiment import record as records
from dferbench.experiment.metrics import METRICS, Metrics
from dferbench.experiment.record import Record
from dferbench.experiment.result_files import missing_files, other_files
from dferbench.files import UNFINISHED, open_regular
from dferbench.places import alone

LEFT_OUT = (records.STATE, records.NAME)
"""Nobody trains on in another folder, and the record comes last."""


@dataclass(frozen=True)
class Merged:
    """How many runs were copied, how many were there already, and a line for each that was left out."""

    copied: int
    there: int
    left_out: Sequence[str] = ()


@dataclass
class _Found:
    runs: dict[Path, list[Record]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def merge(sources: Sequence[Path], output: Path, metrics: Metrics = METRICS) -> Merged:
    """Copy the finished runs below every source into `output`, in the layout in which runs leave them.

    A run that several folders have is copied once if its records are the same byte for byte. Raises
    ConfigError, before anything is written, for one of which they have different records, and DataError for a
    run with files that are not those of its record.
    """
    for source in sources:
        if not source.is_dir():
            raise ConfigError(f"there is no folder {source}", "Name folders of runs.")
    found = _gathered(sources, metrics)
    with alone(output):
        there = {place for place in found.runs if os.path.lexists(output / place)}
        _require_one_each(found, output, there, metrics)
        for place in (new := [place for place in found.runs if place not in there]):
            stopping.check()
            _copy(_fullest(found.runs[place]), output / place)
    return Merged(len(new), len(there), found.left_out)


def _gathered(sources: Iterable[Path], metrics: Metrics) -> _Found:
    found = _Found()
    for path in (path for source in sources for path in records.find(source)):
        try:
            one = records.read(path, metrics)
            place = place_of_run(one)
        except DferbenchError as error:
            found.left_out.append(f"left out: {error}. {error.hint}")
            continue
        if one.status == "done":
            found.runs.setdefault(place, []).append(one)
        else:
            found.left_out.append(f"left out: {path.parent}: {one.status}")
    return found


def place_of_run(record: Record) -> Path:
    """Where a run lies below the folder of the runs. Raises ConfigError for names that lead elsewhere."""
    parts = (
        record.dataset,
        f"{record.method}-{record.config_id}",
        f"fold{record.fold}-seed{record.seed}",
    )
    for part in parts:
        if part in (".", "..") or set(part) & set("/\\:"):
            raise ConfigError(
                f"{record.folder}: '{part}' is no name of a folder",
                "The record was not written by a run.",
            )
    return Path(*parts)


def _require_one_each(found: _Found, output: Path, there: set[Path], metrics: Metrics) -> None:
    several = list(_conflicts(found, output, there, metrics))
    if several:
        more = f", and {len(several) - 1} more such runs" if len(several) > 1 else ""
        raise ConfigError(
            f"one run with different records: {several[0]}{more}; nothing was written",
            "Decide which one is to count, and move the other away or merge into another folder.",
        )


def _conflicts(found: _Found, output: Path, there: set[Path], metrics: Metrics) -> Iterator[str]:
    for place, runs in found.runs.items():
        before = _before(output / place, metrics) if place in there else runs[0]
        for one in runs:
            if one.sha256 != before.sha256:
                yield f"{before.folder} and {one.folder} (they differ in {_difference(before, one)})"
                break


def _before(folder: Path, metrics: Metrics) -> Record:
    """The record that is there. Raises BadRecord, or ConfigError for a folder without."""
    path = folder / records.NAME
    if not path.is_file():
        raise ConfigError(f"{folder} is there and holds no record", "Move it away, or merge elsewhere.")
    return records.read(path, metrics)


def _difference(one: Record, other: Record) -> str:
    first, second = one.model_dump(), other.model_dump()
    return ", ".join(name for name in first if first[name] != second[name]) or "how they are written"


def _fullest(runs: Sequence[Record]) -> Record:
    """Of equal records the one that lacks the fewest of its files."""
    return min(runs, key=lambda one: len(missing_files(one, Path(one.folder))))


def _copy(record: Record, target: Path) -> None:
    """Copy a run to its place, whole or not at all. Raises DataError or DferbenchError."""
    source, room = Path(record.folder), target.with_name(f".{target.name}{UNFINISHED}")
    try:
        if other := other_files(record, source):
            raise DataError(
                f"{source / other[0]} is not the file that the record next to it names",
                "Restore it, or move that run away; the same command continues.",
            )
        shutil.rmtree(room, ignore_errors=True)
        room.mkdir(parents=True)
        for path in _files(source):
            _copy_file(path, room / path.relative_to(source))
        _copy_file(source / records.NAME, room / records.NAME)
        room.rename(target)
    except OSError as error:
        raise DferbenchError(
            f"cannot copy {source} to {target}: {error.strerror or error}",
            "Free some space, or choose another folder; the same command continues.",
        ) from error
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _files(folder: Path) -> list[Path]:
    """The regular files of a run, trackers' included; links and what is being written are not followed."""
    walked = (Path(place, name) for place, _, names in os.walk(folder) for name in sorted(names))
    return [
        path
        for path in walked
        if not path.is_symlink()
        and path.is_file()
        and path.name not in LEFT_OUT
        and not path.name.endswith(UNFINISHED)
    ]


def _copy_file(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with open_regular(path) as (source, _), target.open("wb") as file:
        shutil.copyfileobj(source, file, 2**20)
        file.flush()
        os.fsync(file.fileno())
