"""What pulls a video to its class's descriptors: `scores` (B, C, K) and `label` (B,) become scalars."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

UNUSED = -1 / 99
"""Stands for a count of zero: its inverse is so low that the softmax gives the descriptor nothing."""


def own(scores: Tensor, label: Tensor) -> Tensor:
    """The scores of each video's own class: (B, K)."""
    return scores[torch.arange(len(label), device=label.device), label]


def margin(scores: Tensor, label: Tensor) -> Tensor:
    """Cross-entropy of the own class's worst descriptor against the best one of each other class."""
    best, worst = scores.max(2).values, own(scores, label).min(1).values
    logits = torch.where(_is_own(scores, label), worst[:, None], best)
    return F.cross_entropy(logits, label)


def fine(scores: Tensor, label: Tensor) -> Tensor:
    """Cross-entropy of the own class's best descriptor against all descriptors of the others: (B,)."""
    others = scores.masked_fill(_is_own(scores, label)[..., None], -torch.inf).flatten(1)
    best = own(scores, label).max(1, keepdim=True).values
    return F.cross_entropy(torch.cat([best, others], 1), torch.zeros_like(label), reduction="none")


def count(chosen: Tensor, label: Tensor, classes: int, each: int) -> Tensor:
    """How often each descriptor was its class's best: `chosen` (B,) in 0..K-1 -> (C, K)."""
    return (label * each + chosen).bincount(minlength=classes * each).reshape(classes, each)


def balance(counts: Tensor) -> Tensor:
    """The weight of a video by its class and its best descriptor, larger for those rarely chosen: (C, K).

    (sum of the counts) * softmax(1 / count) / count, within each class. A descriptor that no video chose
    counts as -1/99, in the sum too.
    """
    n = torch.where(counts > 0, counts.float(), UNUSED)
    return n.sum(1, keepdim=True) * (1 / n).softmax(1) / n


def _is_own(scores: Tensor, label: Tensor) -> Tensor:
    """(B, C): whether it is the video's class."""
    return torch.arange(scores.shape[1], device=label.device) == label[:, None]
