"""Top-2 hits for records of earlier releases, which did not count them, from the predictions next to them."""

from __future__ import annotations

from pathlib import Path

from dferbench.errors import DataError
from dferbench.experiment.counts import top2_hits
from dferbench.experiment.record import Record


def recounted(record: Record, folder: Path) -> Record:
    """The record with the top-2 hits of its last epoch, if the predictions in `folder` are that epoch's.

    Predictions that are missing, unreadable or of another result leave it as it is, and so do those made
    elsewhere, whose hits are counted where they have scores: a metric made of the hits then has no value.
    """
    if record.top2 is not None or not record.confusion or record.outside:
        return record
    from dferbench.report.predictions import read_predictions

    try:
        found = read_predictions(record, folder)
    except DataError:
        return record
    return record.model_copy(update={"top2": top2_hits(found.logits, found.labels)})
