"""Testing: logits of every test video, and the confusion matrix that they give."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from dferbench import stopping
from dferbench.errors import DataError
from dferbench.experiment.counts import top2_hits
from dferbench.experiment.record import PREDICTIONS
from dferbench.files import write_atomic
from dferbench.models import Classifier
from dferbench.models.contract import require_logits
from dferbench.progress import Progress
from dferbench.training.across import Team
from dferbench.training.batches import Source
from dferbench.training.finite import require_finite_logits
from dferbench.training.pace import Pace
from dferbench.types import Stage

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(frozen=True)
class Predictions:
    """The model's output: ids (N,), labels (N,) int64, logits (N, C) float32, in the split's order."""

    ids: list[str]
    labels: np.ndarray
    logits: np.ndarray

    def confusion(self) -> list[list[int]]:
        """(C, C) counts, rows are the truth; ties go to the earlier class."""
        # Imported when there is something to score: it takes longer than torch.
        from torchmetrics.functional.classification import multiclass_confusion_matrix

        classes = self.logits.shape[1]
        chosen = torch.from_numpy(self.logits.argmax(1))
        counts: list[list[int]] = multiclass_confusion_matrix(
            chosen, torch.from_numpy(self.labels), classes
        ).tolist()
        return counts

    def top2(self) -> int:
        """How many have their class among the two with the highest logits; ties go to the earlier class."""
        return top2_hits(self.logits, self.labels)

    def only(self, columns: Sequence[int]) -> Predictions:
        """The same with these logits alone, in this order."""
        return replace(self, logits=np.ascontiguousarray(self.logits[:, list(columns)]))

    def save(self, folder: Path) -> None:
        """Write `predictions.npz` atomically: arrays `id`, `label`, `logits`."""
        buffer = io.BytesIO()
        np.savez(buffer, id=np.array(self.ids), label=self.labels, logits=self.logits)
        write_atomic(folder / PREDICTIONS, buffer.getvalue())


def batch_of(stages: Sequence[Stage]) -> int:
    """How many videos are tested at a time: as many as a batch of the last stage has."""
    return stages[-1].batch if stages else Stage(train={}, epochs=0).batch


def predict(
    model: Classifier,
    source: Source,
    batch: int,
    classes: int,
    fabric: Fabric,
    progress: Progress,
    way_out: str,
) -> Predictions:
    """The logits of every video that can be read. A prediction never depends on its batch, and of several
    processes each tests some of the batches.

    Raises ConfigError for a model that gives something else, DataError if no video could be read, and, with
    the hint `way_out`, DferbenchError if logits are not finite.
    """
    index: list[int] = []
    logits = _Logits(classes, way_out)
    model.eval()
    mine = source.team.deal(range(len(source)), batch)
    with torch.no_grad(), progress.bar("test", len(mine)) as bar:
        for one in source.batches(model, mine, batch):
            stopping.check()
            with fabric.autocast():
                said = model(one.x)
            require_logits(model, said, len(one.index), classes)
            logits.add(said, [source.videos[i].id for i in one.index])
            index += one.index
            bar.advance(len(one.index))
    index, found = _together(source.team, index, logits.all())
    if len(source) and not index:
        raise DataError(
            f"none of the {len(source)} test videos could be read",
            "dferbench data verify says what is wrong.",
        )
    return Predictions(
        [source.videos[i].id for i in index],
        np.array([source.videos[i].label for i in index], dtype=np.int64),
        found.numpy(),
    )


def _together(team: Team, index: list[int], logits: torch.Tensor) -> tuple[list[int], torch.Tensor]:
    """What all processes tested, in the split's order."""
    if team.size == 1:
        return index, logits
    every = team.gather((index, logits))
    places = [i for some, _ in every for i in some]
    assert len(set(places)) == len(places), "a video was tested twice"
    order = sorted(range(len(places)), key=places.__getitem__)
    return [places[n] for n in order], torch.cat([one for _, one in every])[order]


class _Logits:
    """Logits that stay on the device until the host reads those of many batches at once."""

    def __init__(self, classes: int, way_out: str) -> None:
        self._read, self._unread = [torch.empty(0, classes)], list[torch.Tensor]()
        self._ids, self._way_out, self._pace = list[str](), way_out, Pace()

    def add(self, logits: torch.Tensor, ids: Sequence[str]) -> None:
        """Take in those of a batch, (B, C). Raises DferbenchError if some, its or earlier, are not finite."""
        self._unread.append(logits.float())
        self._ids += ids
        if self._pace.due():
            self.all()

    def all(self) -> torch.Tensor:
        """(N, C) float32, on the host. Raises DferbenchError if some are not finite."""
        if self._unread:
            read = torch.cat(self._unread).cpu()
            require_finite_logits(read, self._ids, self._way_out)
            self._read, self._unread, self._ids = [*self._read, read], [], []
        return torch.cat(self._read)
