"""The EC-STFL loss, in the form of the paper and in that of the code that its authors released in 2024."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor

TINY = 1e-6


def paper(features: Tensor, label: Tensor, norm: int) -> Tensor:
    """Distances within classes over distances between classes, one ratio for the batch (ACM MM 2020).

    features (B, D), label (B,) -> a scalar. Each pair weighs 1 / (how often its class occurs in the batch);
    for pairs between classes that is the class of the second. A batch of one class gives 0, where the ratio
    is undefined and the paper trains without it.
    """
    same = _same(label)
    distances = _distances(features, norm) / same.sum(0)
    within, between = (distances * same).sum(), (distances * ~same).sum()
    return within / between if bool((~same).any()) else within * 0


def code2024(features: Tensor, label: Tensor) -> Tensor:
    """For each video its mean distance to its class times the mean closeness of the others, averaged.

    features (B, D), label (B,) -> a scalar. Closeness is one over the L1 distance. Divided by B once more, as
    in the released code.
    """
    same = _same(label)
    distances = _distances(features, 1)
    near = (distances * same).sum(1) / (same.sum(1) + TINY)
    others = ~same
    close = (others / (distances + TINY)).sum(1) / (others.sum(1) + 1 + TINY)
    return (near * close / len(label)).mean()


FORMS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "paper": partial(paper, norm=2),
    "paper-l1": partial(paper, norm=1),
    "code2024": code2024,
}
"""The loss by the name of its form; the paper does not say which norm it means."""


def _same(label: Tensor) -> Tensor:
    """(B, B): whether two videos are of one class; every video is of its own."""
    return label[:, None] == label


def _distances(features: Tensor, norm: int) -> Tensor:
    """(B, B) distances between features. Exact, with gradients of zero where two features are equal."""
    return torch.cdist(features, features, p=norm, compute_mode="donot_use_mm_for_euclid_dist")
