"""What a record and its reader are told of a file of predictions: what was taken, and what was odd."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dferbench.data.official import shown
from dferbench.files import sha256_of
from dferbench.outside.answers import Answers
from dferbench.outside.columns import Roles, Wanted
from dferbench.outside.ids import FEW, Matched, named
from dferbench.outside.placed import Placed
from dferbench.outside.scores import Stated
from dferbench.outside.tables import PredictionFile


@dataclass(frozen=True)
class Outside:
    """What the user says of predictions: their file, what it holds, the codes of its labels ("" if they are
    words), the table of its answers, and whether videos without a prediction are wrong or an error."""

    path: Path
    wanted: Wanted = field(default_factory=Wanted)
    codes: str = ""
    answers: Path | None = None
    missing: str = "refuse"


@dataclass(frozen=True)
class ReadFile:
    """A file that was read: what its rows say, and of whom."""

    table: PredictionFile
    roles: Roles
    said: Stated
    matched: Matched
    row_of: Mapping[str, int]
    repeated: int


def facts_of(outside: Outside, read: ReadFile, answers: Answers | None) -> dict[str, Any]:
    """What a record says of the file."""
    said, matched = read.said, read.matched
    facts = {
        "file": outside.path.name,
        "sha256": sha256_of(outside.path),
        "taken": said.kind,
        "columns": {"ids": read.roles.id, said.kind: list(read.roles.columns)},
        "codes": outside.codes,
        "rows": len(matched.ids),
        "ids": {"as written": matched.exact, "in another form": matched.other},
        "unknown": {"count": matched.unknown, "first": _unknown(read)[:10]},
        "repeated": read.repeated,
        "ties": said.ties,
    }
    if answers:
        first = [[text[:200], count] for text, count in said.unmapped.most_common(10)]
        facts["unmapped"] = {"count": said.unmapped.total(), "first": first}
        facts["answers"] = answers.sha256
    return facts


def _unknown(read: ReadFile) -> list[str]:
    written = zip(read.table.columns[read.roles.id], read.matched.ids, strict=True)
    return [str(text)[:200] for text, name in written if name is None]


def facts_of_fold(one: Placed) -> dict[str, Any]:
    """What a record says of its own fold."""
    return {
        "missing": {"count": len(one.absent), "first": list(one.absent[:10])},
        "without an answer": one.silent,
    }


def told(read: ReadFile, placed: Mapping[int, Placed]) -> Iterator[str]:
    """What was taken from the file, and what in it is odd, a line each."""
    roles, matched, said = read.roles, read.matched, read.said
    yield f"taken: {said.kind} from {_listed(roles.columns)}, ids from {shown(roles.id)}"
    if unused := roles.unused(read.table):
        yield f"not used: {_listed(unused)}"
    if matched.other:
        yield f"{matched.other} ids are written in another form (zeros, endings, folders)"
    if matched.unknown:
        first, rows = named(_unknown(read)), len(matched.ids)
        yield f"{matched.unknown} of {rows} rows are of no video of the dataset: {first}"
    if read.repeated:
        yield f"{read.repeated} rows repeat another one of their video"
    tested = {name for one in placed.values() for name in one.ids}
    if others := len(read.row_of.keys() - tested):
        yield f"{others} videos of the file are not tested in these folds"
    if said.unmapped:
        first = ", ".join(f"{shown(text)} ({count})" for text, count in said.unmapped.most_common(FEW))
        yield f"{said.unmapped.total()} answers stand for no class or for several and count as wrong: {first}"
    absent = [name for one in placed.values() for name in one.absent]
    if absent:
        yield f"{len(absent)} test videos have no prediction and count as wrong: {named(absent)}"
    if said.ties:
        yield f"{said.ties} rows have their highest score in several classes; the earlier class is taken"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(shown, names[:8])) + (", ..." if len(names) > 8 else "")
