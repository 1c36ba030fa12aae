"""What the released code minimises, term by term: z are logits, g groups, S the 2D model's frame logits."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from dferbench_methods.aen.groups import Grouping

FUSED, DEEP = 0.7, 0.3
"""How much the fused vectors' predictions count, and how much those of the deepest vector alone."""
SENTIMENT, EMOTION = 0.6, 1.4


def sentiment(z0: Tensor, z1: Tensor, label: Tensor, grouping: Grouping) -> Tensor:
    """Of the group: z0 (B, C), z1 (B, G), label (B,) of classes -> a scalar.

    z0 speaks for a group by the mean of its classes' log-probabilities, not the log of their sum.
    """
    group = grouping.of_class[label]
    deep = grouping(z0.log_softmax(1))
    return FUSED * F.cross_entropy(z1, group) + DEEP * F.nll_loss(deep, group)


def emotion(z0: Tensor, z3: Tensor, label: Tensor) -> Tensor:
    """Of the class: z0 and z3 (B, C), label (B,) -> a scalar."""
    return FUSED * F.cross_entropy(z3, label) + DEEP * F.cross_entropy(z0, label)


def clips_follow_frames(
    clips: Sequence[Tensor], frames: Sequence[Tensor], scores: Tensor, label: Tensor
) -> Tensor:
    """Each level's clip vector (B, d) near the sum of its frame vectors (B, T, d), weighed by their scores.

    `scores` (B, T, C) are the 2D model's logits; a frame weighs as much as that of the label. The mean over
    d is divided by d once more, as in the code.
    """
    weight = scores[torch.arange(len(label), device=label.device), :, label]
    total = torch.zeros((), device=scores.device)
    for clip, frame in zip(clips, frames, strict=True):
        wanted = (weight[..., None] * frame).sum(1)
        total = total + (clip - wanted).abs().mean() / clip.shape[1]
    return 3 * total


def outputs_follow_frames(z1: Tensor, z3: Tensor, scores: Tensor, grouping: Grouping) -> Tensor:
    """Sigmoids of z1 (B, G) and z3 (B, C) near what the 2D model says of all frames, scores (B, T, C)."""
    clip = scores.sum(1).softmax(1)
    coarse = (z1.sigmoid() - grouping(clip)).abs().mean()
    fine = (z3.sigmoid() - clip).abs().mean()
    followed: Tensor = FUSED * coarse + DEEP * fine
    return followed
