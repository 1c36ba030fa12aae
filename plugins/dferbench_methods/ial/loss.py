"""The intensity-aware loss (AAAI 2023): the target against its strongest rival, and no other class."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def intensity(logits: Tensor, label: Tensor) -> Tensor:
    """Minus the log of the target's probability were there only it and its strongest rival, averaged.

    logits (B, C), label (B,) -> a scalar; ln 2 where target and rival tie.
    """
    target = F.one_hot(label, logits.shape[1]).bool()
    rival = logits.masked_fill(target, float("-inf")).max(1).values
    return F.softplus(rival - logits[target]).mean()
