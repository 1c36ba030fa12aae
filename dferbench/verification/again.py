"""A checkpoint, evaluated again: what it says of the test videos now, held against what is stored."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from dferbench.errors import DferbenchError
from dferbench.experiment.plan import Request
from dferbench.experiment.record import CHECKPOINT, Record
from dferbench.machine.cores import Number
from dferbench.progress import Progress
from dferbench.report.predictions import Predicted, read_predictions
from dferbench.verification.finding import Refuted
from dferbench.verification.lists import DatasetLists

NEAR = 0.02
"""Another machine may round otherwise: of two classes whose logits differ by no more than this part of the
range of a video's logits, either may come out first."""


def evaluated(
    record: Record, folder: Path, lists: DatasetLists, device: str, workers: Number, progress: Progress
) -> Predicted | str:
    """What the checkpoint in the folder of a run says of its test videos, or why that cannot be known."""
    from dferbench.checkpoints.read import read_checkpoint
    from dferbench.registry.datasets import make_dataset
    from dferbench.runner.evaluate import measure, plan_test

    if not (folder / CHECKPOINT).is_file():
        return f"{CHECKPOINT} is not there"
    text = lists.text(record)
    with TemporaryDirectory(prefix="dferbench-") as room:
        request = Request(
            model="",
            dataset=text,
            folds=(record.fold,),
            root=lists.root,
            limit=record.limit,
            output=Path(room),
            device=device,
            workers=workers,
            skip_bad=bool(record.skipped),
        )
        try:
            chosen = make_dataset(text, lists.catalog)
            read = read_checkpoint(folder / CHECKPOINT, lists.catalog, dataset=chosen)
            plan = plan_test(request, read, lists.catalog)
            (made,) = measure(plan, read, lists.catalog, progress)
            if made.status != "done":
                return made.error.splitlines()[0]
            return read_predictions(made, plan.folder(*plan.runs[0]))
        except DferbenchError as error:
            return str(error)


def require_same(stored: Predicted, now: Predicted) -> str:
    """In words how near they are. Raises Refuted if the model says another class where it was sure of one."""
    places = {name: place for place, name in enumerate(now.ids)}
    if set(places) != set(stored.ids):
        raise Refuted("its checkpoint was tested on other videos")
    again = now.logits[[places[name] for name in stored.ids]]
    before, after = stored.logits.argmax(1), again.argmax(1)
    other = np.flatnonzero(before != after)
    margin = again[other, after[other]] - again[other, before[other]]
    unlike = other[margin > NEAR * np.ptp(again[other], axis=1)]
    if len(unlike):
        raise Refuted(
            f"its checkpoint gives another class for {len(unlike)} of {len(before)} videos, such as "
            f"'{stored.ids[unlike[0]]}'"
        )
    return f"{len(other)} videos between two classes come out otherwise" if len(other) else ""
