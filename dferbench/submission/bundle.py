"""A bundle: finished runs as a repository of results takes them, verified as they lie there.

It is written next to its place and renamed when it is whole. What cannot be submitted is left out, with the
reason.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dferbench import stopping
from dferbench.errors import ConfigError, DferbenchError
from dferbench.experiment import curve as curves
from dferbench.experiment import record as records
from dferbench.experiment.metrics import Metrics
from dferbench.experiment.record import Record
from dferbench.files import UNFINISHED, open_regular, write_atomic
from dferbench.places import alone
from dferbench.report.predictions import read_logits
from dferbench.runner.merge import place_of_run
from dferbench.submission.personal import is_of_a_machine, without_personal
from dferbench.verification.verdict import PROVEN, Verdict, rank
from dferbench.verification.verify import How, Verified, verify

RESULTS, SUMMARY = "results", "PULL_REQUEST.md"
"""The folder of the runs in a bundle, and the text of the pull request."""
TRAVEL = (records.PREDICTIONS, records.VALIDATION, records.EPOCH_PREDICTIONS)
"""Beside the record and its curve: no checkpoints, which are large, and no logs, which hold paths."""


@dataclass(frozen=True)
class Submission:
    """What may be submitted: how deep it is verified, by what metrics, whether drawn faces may, and the names
    that methods have, which no outside predictions may bear."""

    how: How
    metrics: Metrics
    methods: frozenset[str] = frozenset()
    synthetic: bool = False


@dataclass
class Bundle:
    """What a bundle holds: per place the record as it travels and how it was verified; what was left out and
    why, and what was taken out of records."""

    runs: dict[Path, tuple[Record, Verified]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    removed: set[str] = field(default_factory=set)

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        """By the sha256 of the records as they travel."""
        return {record.sha256: verified.verdict for record, verified in self.runs.values()}


def submit(source: Path, output: Path, wanted: Submission) -> Bundle:
    """Write a bundle of the runs below `source` to `output`, which must not be there.

    Raises ConfigError if it is there, if no run can be submitted, or if two records are of one run; then
    nothing is written.
    """
    from dferbench.submission.summary import summary

    if not source.is_dir():
        raise ConfigError(f"there is no folder {source}", "Name the folder of your runs.")
    with alone(output):
        _require_new(output)
        room = output.with_name(f".{output.name}{UNFINISHED}")
        shutil.rmtree(room, ignore_errors=True)
        try:
            found = _written(source, room, wanted)
            write_atomic(room / SUMMARY, summary(found))
            room.rename(output)
        except OSError as error:
            raise DferbenchError(
                f"cannot write {output}: {error.strerror or error}",
                "Free some space, or choose another place.",
            ) from error
        finally:
            shutil.rmtree(room, ignore_errors=True)
    return found


def _require_new(output: Path) -> None:
    if output.exists() or output.is_symlink():
        raise ConfigError(f"{output} is there already", "Move it away, or name another folder.")


def _written(source: Path, room: Path, wanted: Submission) -> Bundle:
    """Copy what may travel, verify the copies, and remove those that do not hold. Raises ConfigError if none
    is left."""
    found, came_from = Bundle(), {}
    for place, (record, path) in _candidates(source, wanted, found).items():
        stopping.check()
        try:
            found.removed |= _copied(record, path, room / RESULTS / place, wanted.metrics)
            came_from[str(room / RESULTS / place)] = (place, path.parent)
        except DferbenchError as error:
            found.left_out.append(f"{path.parent}: {error}")
            shutil.rmtree(room / RESULTS / place, ignore_errors=True)
    for verified in verify(room, wanted.how) if came_from else ():
        place, folder = came_from[verified.folder]
        if why := _unproven(verified):
            found.left_out.append(f"{folder}: {why.replace(verified.folder, str(folder))}")
            shutil.rmtree(verified.folder)
        else:
            record = records.read(Path(verified.folder) / records.NAME, wanted.metrics)
            found.runs[place] = (record, replace(verified, folder=str(place)))
    if not found.runs:
        first, more = found.left_out[:1], len(found.left_out) - 1
        reason = f" ({first[0]}{f'; and {more} more are left out' if more > 0 else ''})" if first else ""
        raise ConfigError(
            f"no run below {source} can be submitted{reason}", "Run something, or fix what is named."
        )
    return found


def _unproven(verified: Verified) -> str:
    """Why the result of the last epoch is not proven; "" if it is."""
    if verified.verdict.refused:
        return verified.verdict.refused
    if rank(verified.verdict.under("last")) < rank(PROVEN):
        return "its numbers cannot be counted again: " + "; ".join(verified.notes)
    return ""


def _candidates(source: Path, wanted: Submission, found: Bundle) -> dict[Path, tuple[Record, Path]]:
    """By place the records that may be submitted; the others are noted. Raises ConfigError for two of one."""
    taken: dict[Path, tuple[Record, Path]] = {}
    for path in records.find(source):
        try:
            record = records.read(path, wanted.metrics)
            place = place_of_run(record)
        except DferbenchError as error:
            found.left_out.append(f"{path.parent}: {error}")
            continue
        if why := next(_reasons(record, wanted), ""):
            found.left_out.append(f"{path.parent}: {why}")
        elif place not in taken:
            taken[place] = (record, path)
        elif taken[place][0].sha256 != record.sha256:
            raise ConfigError(
                f"one run with different records: {taken[place][1].parent} and {path.parent}",
                "Decide which one is to count, and move the other away.",
            )
    return dict(sorted(taken.items()))


def _reasons(record: Record, wanted: Submission) -> Iterator[str]:
    """Why a run is nothing to submit."""
    if record.status != "done":
        yield f"it is not finished ({record.status})"
    if record.trial:
        yield "it is a trial of a search, tested on validation videos"
    if record.stressed:
        yield "it is a test on corrupted videos"
    if record.limit is not None:
        yield f"it used at most {record.limit} videos of each part"
    if record.synthetic and not wanted.synthetic:
        yield "it is of drawn faces (--synthetic submits such runs, marked)"
    if record.outside and not ({"file", "sha256"} <= set(record.outside)):
        yield "it holds outside predictions and does not name their file"
    if record.outside and record.method in wanted.methods:
        yield f"its outside predictions bear the name of a method, {record.method}; --name gives another"


def _copied(record: Record, path: Path, target: Path, metrics: Metrics) -> set[str]:
    """Write the run to its place without what is personal; what was taken out. Raises DferbenchError."""
    there = record.curve_sha256 == "" or (path.parent / curves.NAME).exists()
    whole = records.read_whole(path, {}) if there else record
    stated, told = without_personal(records.as_stated(whole))
    cleaned = Record.model_validate(stated).model_copy(update={"curve": whole.curve})
    target.mkdir(parents=True)
    for name in TRAVEL:
        if (path.parent / name).is_file():
            _copy(path.parent / name, target / name)
    _require_ids(record, target)
    records.write(cleaned, target, metrics)
    return told


def _require_ids(record: Record, target: Path) -> None:
    """The ids of videos are names, not paths of a machine. Raises DferbenchError."""
    if not (target / records.PREDICTIONS).is_file():
        return
    ids: Sequence[str] = read_logits(target / records.PREDICTIONS, len(record.classes)).ids
    if named := next((one for one in [*ids, *record.skipped] if is_of_a_machine(one)), ""):
        raise DferbenchError(f"the ids of its videos are paths of this machine, such as {named}")


def _copy(source: Path, target: Path) -> None:
    with open_regular(source) as (file, _), target.open("wb") as copy:
        shutil.copyfileobj(file, copy, 2**20)
