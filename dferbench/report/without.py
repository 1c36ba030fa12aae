"""Results without some test videos, such as those that training knows: counted again from predictions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from dferbench.data.leaks.file import Listed
from dferbench.errors import DataError
from dferbench.experiment.counts import Counts, top2_hits
from dferbench.experiment.metrics import Columns
from dferbench.experiment.record import Record
from dferbench.report.leaderboard import Row, once
from dferbench.report.predictions import Predicted, counted, read_epochs, read_predictions
from dferbench.report.score import score


def counts_without(record: Record, rule: str, listed: Listed) -> Counts | None:
    """What a run did on the test videos that are not listed, after the epoch that the rule picks of all of
    them; None if the predictions of that epoch are not there or not those of the record."""
    epoch, counts = record.picked(rule)
    ids = listed.of(record.dataset, record.fold)
    if not ids:
        return counts
    said = _said(record, epoch)
    if said is None or counted(said, len(record.classes)) != [list(row) for row in counts.confusion]:
        return None
    kept = np.array([name not in ids for name in said.ids], dtype=bool)
    rest = Predicted([name for name in said.ids if name not in ids], said.labels[kept], said.logits[kept])
    confusion = counted(rest, len(record.classes))
    return Counts(confusion, tuple(record.classes), top2_hits(rest.logits, rest.labels))


def _said(record: Record, epoch: int) -> Predicted | None:
    """The predictions after an epoch, if they can be read."""
    folder = Path(record.folder)
    try:
        if epoch == record.epochs - 1:
            return read_predictions(record, folder)
        return read_epochs(record, folder).get(epoch)
    except DataError:
        return None


def reduced(records: Sequence[Record], rule: str, listed: Listed) -> tuple[list[Record], int]:
    """Each record as that of a run that was tested on the videos that are not listed, for one rule alone, and
    how many records cannot be: a configuration with one of these has none, as its mean would lack runs."""
    records = [one for one in records if one.answers(rule)]
    found = [_reduced(one, counts_without(one, rule, listed)) for one in records]
    lost = [one for one, other in zip(records, found, strict=True) if other is None]
    ids = {(one.dataset, one.config_id) for one in lost}
    whole = (one for one in found if one is not None and (one.dataset, one.config_id) not in ids)
    return list(whole), len(lost)


def _reduced(record: Record, counts: Counts | None) -> Record | None:
    if counts is None:
        return None
    confusion = [list(row) for row in counts.confusion]
    facts = {"confusion": confusion, "top2": counts.top2, "curve": None, "epochs_": 0, "best_on_test": None}
    # What it states was of all videos.
    return record.model_copy(update={**facts, "metrics": {}})


def beside(
    rows: Sequence[Row], records: Iterable[Record], select: str, shown: Columns, listed: Listed
) -> list[Row]:
    """The rows of these records, each with its scores without the listed videos."""
    groups: dict[tuple[str, str, str], list[Record]] = defaultdict(list)
    for one in records:
        groups[one.dataset, one.method, one.config_id].append(one)
    return [
        _beside(row, once(groups[row.dataset, row.method, row.config_id]), select, shown, listed)
        for row in rows
    ]


def _beside(row: Row, runs: Sequence[Record], select: str, shown: Columns, listed: Listed) -> Row:
    counts = [counts_without(one, select, listed) for one in runs]
    known = [one for one in counts if one is not None]
    whole = len(known) == len(counts)
    scores = {one.name: score([one.of(some) for some in known]) if whole else None for one in shown.metrics}
    return replace(row, without=scores)
