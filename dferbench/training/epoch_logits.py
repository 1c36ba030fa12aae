"""What a model says of the test videos after every epoch, kept small: for --keep-predictions all.

With it the epoch that is best on the test videos can be scored again, not the last one alone. The logits of
the epochs so far are part of the state of a run, so that a killed run has those of its curve, no more and no
fewer.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dferbench.experiment.record import EPOCH_PREDICTIONS
from dferbench.files import write_atomic
from dferbench.training.predictions import Predictions
from dferbench.types import Video

LOWEST = -60_000.0
"""Far enough above the lowest half for 43 classes to keep their order below it."""


def halved(logits: NDArray[np.float32]) -> NDArray[np.float16]:
    """Logits (N, C), finite, less the highest of each video, in half precision and in the same order.

    Plain rounding makes near logits equal, and argmax would choose another class: here a class that came
    after another one by `numpy.argsort(-logits, kind="stable")` still does, so that every count is the same.
    """
    order = np.argsort(-logits, axis=1, kind="stable")
    shifted = np.maximum(logits - logits.max(axis=1, keepdims=True), LOWEST).astype(np.float16)
    ranked = np.take_along_axis(shifted, order, axis=1)
    for place in range(1, logits.shape[1]):
        before, later = ranked[:, place - 1], order[:, place] > order[:, place - 1]
        below = np.nextafter(before, np.float16(-np.inf))
        ranked[:, place] = np.minimum(ranked[:, place], np.where(later, before, below))
    found = np.empty_like(ranked)
    np.put_along_axis(found, order, ranked, axis=1)
    return found


class EpochLogits:
    """Those of the epochs so far, for all test videos in the split's order; NaN where one was not read.

    If they are not `wanted`, nothing is kept.
    """

    def __init__(
        self,
        wanted: bool,
        videos: Sequence[Video],
        classes: int,
        epochs: Tensor | None = None,
        done: int = 0,
    ) -> None:
        """`epochs` (E, N, C) float16 are those of a state, None if it has none, of so many `done`."""
        self._wanted = wanted
        self._places = {video.id: place for place, video in enumerate(videos)}
        self._labels = np.array([video.label for video in videos], dtype=np.int64)
        self._classes = classes
        self._epochs: list[NDArray[Any]] = [self._blank() for _ in range(done)] if wanted else []
        if wanted and epochs is not None and epochs.shape == (done, len(videos), classes):
            self._epochs = list(epochs.numpy())

    def _blank(self) -> NDArray[Any]:
        return np.full((len(self._places), self._classes), np.nan, dtype=np.float16)

    def add(self, said: Predictions) -> None:
        """Keep what the model says after one more epoch."""
        if self._wanted:
            self._epochs.append(self._blank())
            self.again(said)

    def again(self, said: Predictions) -> None:
        """Put this in the place of the last epoch's."""
        if self._epochs:
            rows = self._blank()
            rows[[self._places[name] for name in said.ids]] = halved(said.logits)
            self._epochs[-1] = rows

    def together(self) -> Tensor | None:
        """All epochs, (E, N, C) float16, a copy; None if they are not wanted."""
        if not self._wanted:
            return None
        shape = (0, len(self._places), self._classes)
        return torch.from_numpy(np.stack(self._epochs) if self._epochs else np.empty(shape, np.float16))

    def save(self, folder: Path) -> None:
        """Write the file of a run that is done, atomically; none for a run without epochs."""
        if self._epochs:
            buffer = io.BytesIO()
            ids, logits = np.array(list(self._places)), np.stack(self._epochs)
            np.savez_compressed(buffer, id=ids, label=self._labels, logits=logits)
            write_atomic(folder / EPOCH_PREDICTIONS, buffer.getvalue())
