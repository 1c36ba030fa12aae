"""Every run below a folder, checked as deep as is asked for and possible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dferbench import stopping
from dferbench.errors import DferbenchError
from dferbench.experiment import record as records
from dferbench.experiment.metrics import Metrics
from dferbench.experiment.record import Record
from dferbench.machine.cores import Number
from dferbench.progress import Progress
from dferbench.report.predictions import Predicted
from dferbench.verification.beside import named, require_hashes, with_curve
from dferbench.verification.finding import Checked, Refuted
from dferbench.verification.lists import DatasetLists, require_listed
from dferbench.verification.scores import rescored, rules_of, unproven
from dferbench.verification.verdict import LEVELS, Verdict, rank


@dataclass(frozen=True)
class How:
    """How deep to look, by what lists, and on what a checkpoint is evaluated again."""

    depth: str
    lists: DatasetLists
    metrics: Metrics
    device: str = "auto"
    workers: Number = "auto"
    progress: Progress = field(default_factory=Progress)

    def reaches(self, level: str) -> bool:
        """Whether a level is asked for."""
        return rank(self.depth) >= rank(level)


@dataclass(frozen=True)
class Verified:
    """One run: its folder, the sha256 of its record ("" for one that cannot be read), the verdict, what could
    not be checked, and the selection rules for which the record states numbers."""

    folder: str
    sha256: str
    verdict: Verdict
    notes: Sequence[str] = ()
    rules: Sequence[str] = ()


def verify(folder: Path, how: How) -> Iterator[Verified]:
    """Check the finished runs below a folder, one after another; others have no result yet."""
    for path in records.find(folder):
        stopping.check()
        try:
            record = records.read(path, how.metrics)
        except DferbenchError as error:
            yield Verified(str(path.parent), "", Verdict({}, str(error), how.depth))
            continue
        if record.status == "done":
            yield _verified(record, path, how)


def _verified(record: Record, path: Path, how: How) -> Verified:
    checked = Checked()
    try:
        whole = with_curve(record, path)
        checked.levels.update(dict.fromkeys(rules_of(whole), LEVELS[0]))
        _check(whole, path, how, checked)
    except Refuted as error:
        return Verified(record.folder, record.sha256, Verdict({}, str(error), how.depth))
    verdict = Verdict(checked.levels, depth=how.depth)
    return Verified(record.folder, record.sha256, verdict, tuple(checked.notes), tuple(record.rules))


def _check(record: Record, path: Path, how: How, checked: Checked) -> None:
    if not how.reaches("hashes"):
        return
    checked.notes += require_hashes(record, path.parent)
    if named(record, path.parent):
        checked.levels.update(dict.fromkeys(checked.levels, "hashes"))
    if not how.reaches("re-scored"):
        return
    found = rescored(record, path.parent)
    checked.levels.update(dict.fromkeys(found, "re-scored"))
    checked.notes += unproven(record, found)
    listed = bool(found) and how.reaches("lists") and _listed(record, found, how, checked)
    if listed and how.reaches("re-evaluated"):
        _evaluated(record, path.parent, found, how, checked)


def _listed(record: Record, found: dict[str, Predicted], how: How, checked: Checked) -> bool:
    if record.trial:
        checked.notes.append("lists: a trial is of validation videos, which the lists do not name")
        return False
    fold = how.lists.fold(record)
    if isinstance(fold, str):
        checked.notes.append(f"lists: {fold}")
        return False
    for rule, said in found.items():
        require_listed(record, said, fold)
        checked.levels[rule] = "lists"
    return True


def _evaluated(record: Record, folder: Path, found: dict[str, Predicted], how: How, checked: Checked) -> None:
    """The checkpoint is that of the last epoch, so it proves what rules state that pick this one."""
    from dferbench.verification.again import evaluated, require_same

    end = [rule for rule in found if record.picked(rule)[0] == record.epochs - 1]
    now = evaluated(record, folder, how.lists, how.device, how.workers, how.progress) if end else ""
    if isinstance(now, str):
        checked.notes += [f"checkpoint: {now}"] if now else []
        return
    note = require_same(found[end[0]], now)
    checked.notes += [note] if note else []
    checked.levels.update(dict.fromkeys(end, "re-evaluated"))
