"""What is added to cross-entropy, or stands in for it."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

SMOOTHING = 0.1


def compact(features: Tensor, rows: Tensor, label: Tensor) -> Tensor:
    """Features near the classifier's row of their class and far from the others, by cosine, averaged.

    features (B, D), rows (C, D), label (B,) -> a scalar: one minus the cosine to the own row, plus the mean
    over the other rows of what is positive. The paper's formula is not known; this is ours.
    """
    cosine = F.normalize(features, dim=1) @ F.normalize(rows, dim=1).T
    own = F.one_hot(label, len(rows)).bool()
    apart = cosine.clamp(min=0).masked_fill(own, 0).sum(1) / max(len(rows) - 1, 1)
    return (1 - cosine[own]).mean() + apart.mean()


def asymmetric(logits: Tensor, label: Tensor, smoothing: float = SMOOTHING) -> Tensor:
    """The asymmetric loss of single labels that the port trains with, averaged over the batch.

    logits (B, C), label (B,) -> a scalar: smoothed cross-entropy whose terms weigh 1 - p for the label and
    p squared for the others. Gradients flow through the weights, as in the port.
    """
    log_p = logits.log_softmax(1)
    p, own = log_p.exp(), F.one_hot(label, logits.shape[1]).to(logits)
    target = (1 - smoothing) * own + smoothing / logits.shape[1]
    weight = own * (1 - p) + (1 - own) * p**2
    return -(target * weight * log_p).sum(1).mean()
