"""What makes the two views of a video agree, and what they say together."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from dferbench.models import mean_probabilities


def cosine(one: Tensor, other: Tensor) -> Tensor:
    """Features (B, T, D) of two views -> the mean of 2 - 2 cos over frames and videos, in 0..4."""
    return (2 - 2 * F.cosine_similarity(one, other, dim=-1)).mean()


AGREE: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {"cosine": cosine, "mse": F.mse_loss}
"""How far apart the frames of two views are, a scalar; the paper's form is not known."""


def jensen_shannon(one: Tensor, other: Tensor) -> Tensor:
    """Logits (B, C) of two views -> the mean divergence of their distributions, in 0..ln 2."""
    p, q = one.log_softmax(-1), other.log_softmax(-1)
    middle = torch.logaddexp(p, q) - math.log(2)
    sums = [F.kl_div(middle, log, reduction="batchmean", log_target=True) for log in (p, q)]
    return (sums[0] + sums[1]) / 2


def mean_logits(logits: Tensor) -> Tensor:
    """Logits (B, V, C) of V views -> their mean (B, C)."""
    return logits.mean(1)


FUSION: Mapping[str, Callable[[Tensor], Tensor]] = {
    "probabilities": mean_probabilities,
    "logits": mean_logits,
}
"""What two views say together; the paper's way is not known."""
