"""What a model says of videos, as it is kept: logits, and the counts that they give."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from dferbench.experiment.counts import top2_hits
from dferbench.experiment.record import PREDICTIONS
from dferbench.files import write_atomic
from dferbench.training.finite import require_finite_logits
from dferbench.training.pace import Pace


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

    def save(self, folder: Path, name: str = PREDICTIONS) -> None:
        """Write `predictions.npz`, or another name, atomically: arrays `id`, `label`, `logits`."""
        buffer = io.BytesIO()
        np.savez(buffer, id=np.array(self.ids), label=self.labels, logits=self.logits)
        write_atomic(folder / name, buffer.getvalue())


class GatheredLogits:
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
