"""What a plan will cost, told from the seconds of records available. No torch."""

from __future__ import annotations

from collections.abc import Sequence
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


def seconds_per_run(plan: Plan, videos: Counts | None, records: Sequence[Record]) -> float | None:
    """Mean seconds of finished runs of this very setting, or else of this method on this dataset, scaled by
    videos and epochs; None if there is nothing to tell from."""
    epochs = sum(stage.epochs for stage in plan.recipe.stages)
    like = [r for r in records if r.method == plan.method.name and r.dataset == plan.task.dataset]
    like = [r for r in like if bool(r.curve) == bool(epochs) and r.seconds > 0]
    same = [r.seconds for r in like if r.config_id == plan.config_id]
    if same:
        return fmean(same)
    if not like or videos is None:
        return None
    return _work(epochs, videos) * fmean(r.seconds / _work(len(r.curve), _counts(r)) for r in like)


def _counts(record: Record) -> Counts:
    return record.videos["train"], record.videos["test"]


def _work(epochs: int, videos: Counts) -> int:
    """Videos seen: every epoch trains on all and tests on all; without epochs there is one test."""
    return epochs * sum(videos) or videos[1]
