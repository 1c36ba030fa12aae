"""The numbers of a record, counted again from the predictions next to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dferbench.errors import DataError
from dferbench.experiment import curve as curves
from dferbench.experiment import selection
from dferbench.experiment.counts import top2_hits
from dferbench.experiment.metrics import METRICS
from dferbench.experiment.record import EPOCH_PREDICTIONS, PREDICTIONS, Record
from dferbench.report.predictions import Predicted, counted, read_epochs, read_predictions
from dferbench.verification.finding import Refuted


def rules_of(record: Record) -> list[str]:
    """The selection rules that the record answers; those by other validation metrics need its curve."""
    chosen = METRICS if record.curve and record.validation is not None else {}
    return [
        *(rule for rule in selection.RULES if record.answers(rule)),
        *(f"{selection.VAL}:{name}" for name in chosen),
    ]


def rescored(record: Record, folder: Path) -> dict[str, Predicted]:
    """Per selection rule the predictions that give the number which the record states; rules without are
    left out, as their files are not there.

    Raises Refuted if predictions give another number, or cannot be read.
    """
    found: dict[str, Predicted] = {}
    try:
        last = read_predictions(record, folder) if (folder / PREDICTIONS).is_file() else None
        every = read_epochs(record, folder) if (folder / EPOCH_PREDICTIONS).is_file() else {}
    except DataError as error:
        raise Refuted(str(error)) from error
    if last is not None:
        _require_counts(last, record.confusion, record.top2, "the result")
        _require_last(every, last, record)
    _require_curve(every, record, folder)
    for rule in rules_of(record):
        epoch, counts = record.picked(rule)
        mine = last if epoch == record.epochs - 1 else every.get(epoch)
        if mine is not None:
            _require_counts(mine, [list(row) for row in counts.confusion], counts.top2, rule)
            found[rule] = mine
    return found


def _require_last(every: dict[int, Predicted], last: Predicted, record: Record) -> None:
    end = every.get(record.epochs - 1)
    if end is not None and (sorted(end.ids) != sorted(last.ids)):
        raise Refuted(f"{EPOCH_PREDICTIONS} and {PREDICTIONS} have other videos")


def _require_curve(every: dict[int, Predicted], record: Record, folder: Path) -> None:
    """Every epoch of the curve, where both are there."""
    if every and record.curve_sha256 and (folder / curves.NAME).is_file():
        for place, row in enumerate(curves.read(folder, record.curve_sha256)):
            if place in every:
                _require_counts(every[place], row.confusion, row.top2, f"epoch {place + 1}")


def _require_counts(said: Predicted, confusion: list[list[int]], top2: int | None, what: str) -> None:
    if counted(said, len(confusion)) != confusion:
        raise Refuted(f"the predictions give another confusion matrix than the record states of {what}")
    if top2 is not None and top2_hits(said.logits, said.labels) != top2:
        raise Refuted(f"the predictions give other top-2 hits than the record states of {what}")


def unproven(record: Record, found: dict[str, Predicted]) -> Iterator[str]:
    """Which of the numbers that the record states could not be counted again, and why."""
    for rule in record.rules:
        if rule not in found:
            epoch = record.picked(rule)[0]
            last = epoch == record.epochs - 1
            why = (
                f"{PREDICTIONS} is not there"
                if last
                else f"the predictions of epoch {epoch + 1} were not kept (--keep-predictions all)"
            )
            yield f"{rule}: {why}"
