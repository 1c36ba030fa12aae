"""Classifiers that see several windows of a video in testing, and average what each says."""

from __future__ import annotations

import math

from torch import Tensor

from dferbench.models.classifier import Classifier


def mean_probabilities(logits: Tensor) -> Tensor:
    """Logits (B, K, C) of K clips -> logits (B, C) whose softmax is the mean of theirs."""
    return logits.log_softmax(-1).logsumexp(1) - math.log(logits.shape[1])


class WindowClassifier(Classifier):
    """`score`, which subclasses write, sees a window of `frames` frames; of several, as the sampler `window`
    shows in testing, the probabilities are averaged."""

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.frames = frames

    def score(self, x: Tensor) -> Tensor:
        """(B, T, 3, size, size) -> logits (B, C) of one window."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """(B, W T, 3, size, size) of W windows -> logits (B, C): of several, the logarithms of the mean
        probabilities."""
        logits = self.score(x.reshape(-1, self.frames, *x.shape[2:]))
        if logits.shape[0] == x.shape[0]:
            return logits
        return mean_probabilities(logits.reshape(x.shape[0], -1, logits.shape[1]))
