"""From a file of predictions to records, with the dataset's folds and ids and dferbench's metrics."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from dferbench.data.marks import marks_of, notes_of
from dferbench.data.official import shown
from dferbench.errors import ConfigError
from dferbench.experiment import record as records
from dferbench.experiment.counts import NO_ANSWER
from dferbench.experiment.metrics import registered
from dferbench.experiment.plan import Plan, Request, Settled, Split, place, read_splits
from dferbench.experiment.record import PREDICTIONS, Record
from dferbench.files import digest, write_atomic
from dferbench.machine.software import software
from dferbench.outside import placed as places
from dferbench.outside.account import Outside, ReadFile, facts_of, facts_of_fold, told
from dferbench.outside.answers import Answers, read_answers
from dferbench.outside.arrays import read_table
from dferbench.outside.classes import ClassNames, class_names
from dferbench.outside.columns import roles_of
from dferbench.outside.ids import match, require_some
from dferbench.outside.placed import Placed, once, require_answers, with_no_answer
from dferbench.outside.scores import require_kind, said_by
from dferbench.progress import Progress
from dferbench.registry.catalog import Catalog, Entry
from dferbench.registry.datasets import make_dataset
from dferbench.runner.finished import require_same_data
from dferbench.types import Recipe

ORIGIN = "outside"
"""Stands for the plugin of a method that none registers."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")


@dataclass(frozen=True)
class Scored:
    """What came of a file: the records and where they lie, and in words what was taken and what was odd."""

    records: Sequence[Record]
    folders: Sequence[Path]
    told: Sequence[str]


def score(outside: Outside, request: Request, catalog: Catalog, progress: Progress) -> Scored:
    """Score a file of predictions in every fold of the request and leave a record of each.

    `request.model` is what the predictions are called. Nothing is written unless all folds can be scored.
    Raises ConfigError, UnknownName or DataError that counts and names what is wrong with the file.
    """
    places.require_missing(outside.missing)
    require_kind(outside.wanted.scores)
    _require_name(request.model, catalog)
    if not outside.path.is_file():
        raise ConfigError(f"there is no file {outside.path}", "Name the file of the predictions.")
    names = _names(outside, request, catalog)
    answers = read_answers(outside.answers, names) if outside.answers else None
    plan = _plan(request, catalog, answers)
    splits = read_splits(plan, progress)
    read = _read(outside, names, answers, splits)
    placed = {
        fold: places.place(split.test, read.row_of, read.said, len(names.classes))
        for fold, split in splits.items()
    }
    if outside.missing == "refuse":
        require_answers(placed, outside.path)
    if any(one.silent for one in placed.values()):
        placed = {fold: with_no_answer(one) for fold, one in placed.items()}
    facts = facts_of(outside, read, answers)
    drafts = [
        _record(plan, run, splits[run[0]], placed[run[0]], {**facts, **facts_of_fold(placed[run[0]])})
        for run in plan.runs
    ]
    for draft in drafts:
        _require_own(plan, draft)
    for draft in drafts:
        _write(plan, draft, placed[draft.fold])
    folders = [plan.folder(*run) for run in plan.runs]
    return Scored(drafts, folders, list(told(read, placed)))


def _require_name(name: str, catalog: Catalog) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"--name must be letters, digits and . _ + -, got {shown(name)}",
            "Write for example --name my-model.",
        )
    if name in catalog.entries["methods"]:
        raise ConfigError(
            f"'{name}' is a method of dferbench, and these are predictions of another program",
            f"Call them otherwise, for example --name {name}-authors.",
        )


def _names(outside: Outside, request: Request, catalog: Catalog) -> ClassNames:
    """The dataset's classes with the codes that the user states here or for the dataset."""
    chosen = make_dataset(request.dataset, catalog)
    codes = outside.codes or str(chosen.options.get("codes") or "")
    return class_names(chosen.dataset.classes, codes)


def _plan(request: Request, catalog: Catalog, answers: Answers | None) -> Plan:
    """Where the records go. Their id covers the name, the dataset and the table of answers, not the file:
    files of several folds and seeds are one row."""
    chosen = make_dataset(request.dataset, catalog)
    what = {ORIGIN: request.model, "dataset": [chosen.entry.name, dict(chosen.options)]}
    identity = digest(what | ({"answers": answers.sha256} if answers else {}))[:8]
    entry = Entry(request.model, None, ORIGIN)
    return place(Settled(entry, {}, Recipe(), chosen, identity, registered(catalog)), request)


def _read(
    outside: Outside, names: ClassNames, answers: Answers | None, splits: Mapping[int, Split]
) -> ReadFile:
    table = read_table(outside.path, outside.wanted.id)
    roles = roles_of(table, names, outside.wanted)
    known = {video.id for split in splits.values() for video in chain(split.train, split.test)}
    matched = match(table.columns[roles.id], known)
    require_some(table, table.columns[roles.id], matched, [v.id for s in splits.values() for v in s.test])
    said = said_by(table, roles, names, outside.wanted, answers)
    return ReadFile(table, roles, said, matched, *once(matched, said, outside.path))


def _record(plan: Plan, run: tuple[int, int], split: Split, placed: Placed, facts: dict[str, Any]) -> Record:
    marks = marks_of(plan.root, [] if plan.dataset.synthetic else [video.path for video in split.test])
    more = [NO_ANSWER] if placed.logits.shape[1] > len(plan.task.classes) else []
    return Record(
        schema=records.SCHEMA,
        status="done",
        method=plan.method.name,
        origin=ORIGIN,
        options={},
        given={"answers": str(facts["answers"])[:8]} if "answers" in facts else {},
        recipe={},
        dataset=plan.task.dataset,
        dataset_origin=plan.dataset_entry.origin,
        dataset_options=plan.dataset_options,
        dataset_given=plan.dataset_given,
        dataset_notes=notes_of(plan.dataset, plan.root, marks),
        outside=facts,
        classes=[*plan.task.classes, *more],
        fold=run[0],
        seed=run[1],
        config_id=plan.config_id,
        data=split.fingerprint,
        videos={"train": len(split.train), "test": len(split.test)},
        synthetic=plan.dataset.synthetic or marks.drawn,
        confusion=placed.confusion(),
        top2=placed.top2(),
        folds=list(plan.dataset.folds),
        environment=software(),
    )


def _require_own(plan: Plan, draft: Record) -> None:
    """Predictions of another file under the same name are replaced on request alone. Raises ConfigError."""
    before = None if plan.request.force else plan.stored(draft.fold, draft.seed)
    if before is None:
        return
    require_same_data(plan, before, draft.data, draft.dataset_notes)
    if before.outside.get("sha256") != draft.outside["sha256"]:
        raise ConfigError(
            f"{plan.folder(draft.fold, draft.seed)} holds predictions of another file, "
            f"{before.outside.get('file')}",
            "Add --force to replace them, or use another --name or --seed.",
        )


def _write(plan: Plan, draft: Record, placed: Placed) -> None:
    folder, buffer = plan.folder(draft.fold, draft.seed), io.BytesIO()
    np.savez(buffer, id=np.array(placed.ids), label=placed.labels, logits=placed.logits)
    write_atomic(folder / PREDICTIONS, buffer.getvalue())
    records.write(draft, folder, plan.metrics)
