"""The recall of each class of a configuration, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from dferbench.errors import ConfigError
from dferbench.experiment.counts import NO_ANSWER
from dferbench.experiment.record import Record
from dferbench.report.certainty import run_of
from dferbench.statistics.intervals import Interval, recall_intervals


@dataclass(frozen=True)
class ClassRecall:
    """A class: its mean recall over the runs that tested it, in percent (None if none did), the interval of
    that (None if some run did not), and the number of its test videos, those of every fold counted once."""

    name: str
    recall: float | None
    interval: Interval | None
    videos: int


def class_recalls(records: Sequence[Record], select: str = "last", level: float = 95.0) -> list[ClassRecall]:
    """Of every class of one configuration's runs, in their order.

    Raises ConfigError if two runs of a fold give one video different labels, or their classes differ.
    """
    if len({tuple(one.classes) for one in records}) != 1:
        raise ConfigError(
            f"the runs of {records[0].method} have different classes", "Choose runs on one dataset."
        )
    try:
        sure = recall_intervals([run_of(one, select) for one in records], level)
    except ValueError as error:
        raise ConfigError(f"no intervals: {error}", "Repeat one of these runs.") from error
    counts = [one.counts(select) for one in records]
    folds = {one.fold: count.videos for one, count in zip(records, counts, strict=True)}
    return [
        ClassRecall(
            name, _mean([one.recalls[k] for one in counts]), sure[k], sum(v[k] for v in folds.values())
        )
        for k, name in enumerate(records[0].classes)
        if name != NO_ANSWER
    ]


def _mean(recalls: Sequence[float | None]) -> float | None:
    there = [100 * one for one in recalls if one is not None]
    return fmean(there) if there else None
