"""From records to intervals: what their runs predicted, or what was counted where no predictions are kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dferbench.errors import ConfigError, DataError
from dferbench.experiment.counts import is_top2
from dferbench.experiment.metrics import Metric
from dferbench.experiment.record import EPOCH_PREDICTIONS, Record
from dferbench.report.predictions import Predicted, counted, read_epochs, read_predictions
from dferbench.statistics.intervals import Interval, intervals
from dferbench.statistics.predictions import RunPredictions, of_confusion


def intervals_of(
    records: Sequence[Record], select: str, metrics: Sequence[Metric], level: float
) -> dict[str, Interval | None]:
    """The interval of each metric over the records' runs; None where the metric is undefined.

    Raises ConfigError if two runs of a fold give one video different labels.
    """
    try:
        return intervals([run_of(one, select) for one in records], metrics, level)
    except ValueError as error:
        raise ConfigError(
            f"no interval of configuration {records[0].config_id}: {error}",
            "Give the command without --interval, or repeat one of these runs.",
        ) from error


def run_of(one: Record, select: str) -> RunPredictions:
    """What a run predicted at the epoch that the rule picks; counts alone where predictions are not kept."""
    try:
        return predicted(one, select, one.classes)
    except DataError:
        counts = one.counts(select)
        return of_confusion(one.fold, one.model_seed, counts.confusion, counts.top2)


def _at(one: Record, select: str) -> Predicted:
    """The predictions of the epoch that the rule picks, whether it is the last or all were kept."""
    epoch, counts = one.picked(select)
    if counts.confusion == one.confusion:
        return read_predictions(one, Path(one.folder))
    if EPOCH_PREDICTIONS not in one.files:
        raise DataError(
            f"predictions are kept of the last epoch alone, not of {select}", "Choose --select last."
        )
    found = read_epochs(one, Path(one.folder)).get(epoch)
    if found is None or counted(found, len(one.classes)) != counts.confusion:
        raise DataError(
            f"the predictions of epoch {epoch + 1} in {one.folder} are not those of its result",
            "Choose --select last.",
        )
    return found


def predicted(one: Record, select: str, classes: Sequence[str]) -> RunPredictions:
    """What a run predicted, classes numbered as in `classes`.

    Raises DataError if the predictions are not there, damaged, or of another epoch than the rule picks.
    """
    found = _at(one, select)
    number = np.array([list(classes).index(name) for name in one.classes])
    best = is_top2(found.logits, found.labels)
    return RunPredictions(
        one.fold,
        one.model_seed,
        len(classes),
        number[found.labels],
        number[found.logits.argmax(1)],
        found.ids,
        best,
    )
