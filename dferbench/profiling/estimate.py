"""What a plan will cost, told from the seconds of records available. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from dferbench.errors import DferbenchError
from dferbench.experiment.plan import Plan
from dferbench.experiment.record import Record

Counts = tuple[int, int]
"""Videos for training and for testing."""


def count_videos(plan: Plan) -> Counts | None:
    """Videos of the plan's first fold, as far as they can be counted without preparing anything."""
    limit = plan.request.limit
    try:
        train, test = (
            len(plan.dataset.videos(plan.root, plan.folds[0], split)) for split in ("train", "test")
        )
    except DferbenchError:
        return None
    return (train, test) if limit is None else (min(train, limit), min(test, limit))


@dataclass(frozen=True)
class Estimate:
    """Seconds of one run, and what they were told from."""

    seconds: float
    source: str


def estimate(
    plan: Plan, videos: Counts | None, records: Sequence[Record], macs: Mapping[str, int]
) -> Estimate | None:
    """What one run will take: as finished runs of this very setting took, else those of this method on this
    dataset, else those of other methods on it by their `macs` of one video. The latter two are scaled by
    videos and epochs. None if there is nothing to tell from."""
    epochs, name = sum(stage.epochs for stage in plan.recipe.stages), plan.method.name
    here = [one for one in records if one.dataset == plan.task.dataset and one.seconds > 0]
    like = [one for one in here if bool(one.epochs) == bool(epochs)]
    mine = [one for one in like if one.method == name]
    if same := [one.seconds for one in mine if one.config_id == plan.config_id]:
        return Estimate(fmean(same), "this setting")
    others = [one for one in like if one.method in macs] if name in macs else []
    if videos is None or not (mine or others):
        return None
    work = _work(epochs, videos)
    if mine:
        return Estimate(work * fmean(map(_seconds, mine)), f"other settings of {name}")
    each = fmean(_seconds(one) / macs[one.method] for one in others)
    names = ", ".join(sorted({one.method for one in others}))
    return Estimate(work * macs[name] * each, f"{names}, by MACs")


def _seconds(record: Record) -> float:
    """Of one video that was seen."""
    return record.seconds / _work(record.epochs, _counts(record))


def _counts(record: Record) -> Counts:
    return record.videos["train"], record.videos["test"]


def _work(epochs: int, videos: Counts) -> int:
    """Videos seen: every epoch trains on all and tests on all; without epochs there is one test."""
    return epochs * sum(videos) or videos[1]
