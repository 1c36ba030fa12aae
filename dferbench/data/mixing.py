"""Videos of a training batch blended with each other, and targets to match.

A batch augmentation sees a batch on the device, normalised and before `encode`, and turns classes into
distributions over classes. mixup: Zhang et al., ICLR 2018; CutMix: Yun et al., ICCV 2019.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

import numpy as np

from dferbench.data.ranges import require_number, require_probability

if TYPE_CHECKING:
    from torch import Tensor

Mixed = tuple["Tensor", "Tensor"]
"""Videos (B, T, 3, H, W) float, and targets (B, C) float that each sum to 1."""


@runtime_checkable
class BatchOp(Protocol):
    """An augmentation of a whole batch: what a registered augmentation builds that is no `Op`."""

    @property
    def relabels(self) -> bool:
        """Whether targets may change: the loss of a method must then take distributions over the classes."""
        ...

    def mix(self, videos: Tensor, target: Tensor, rng: np.random.Generator) -> Mixed:
        """Videos (B, T, 3, H, W) float and targets (B, C) -> both anew; the given tensors stay as they are.

        All that is random comes from `rng`, which depends on seed, epoch and number of the batch alone.
        """
        ...


@dataclass(frozen=True)
class Mixer:
    """The batch augmentations of a run, in order, for so many classes."""

    ops: tuple[BatchOp, ...]
    classes: int
    seed: int

    def __call__(
        self, videos: Tensor, label: Tensor, epoch: int, step: int, target: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Videos and labels (B,) int64 of a batch -> what training sees instead, and (B, C) float targets, or
        None if the labels stand. `target` (B, C) is what the labels are to start from, where they are not it.
        """
        import torch

        digest = hashlib.sha256(f"mix/{self.seed}/{epoch}/{step}".encode()).digest()
        rng = np.random.default_rng(int.from_bytes(digest, "big"))
        soft = target is not None
        if target is None:
            target = torch.nn.functional.one_hot(label, self.classes).float()
        for op in self.ops:
            videos, target = op.mix(videos, target, rng)
        return videos, target if soft or any(op.relabels for op in self.ops) else None


@dataclass(frozen=True)
class Mixup:
    """With probability `p` each video is blended with that of the batch in reverse order: a share from
    Beta(alpha, alpha), one for the batch, stays."""

    relabels: ClassVar[bool] = True
    alpha: float = 0.8
    p: float = 1.0

    def __post_init__(self) -> None:
        require_number("mixup: alpha", self.alpha, 1e-3)
        require_probability("mixup: p", self.p)

    def mix(self, videos: Tensor, target: Tensor, rng: np.random.Generator) -> Mixed:
        """Both blended with the same share."""
        if rng.random() >= self.p:
            return videos, target
        share = float(rng.beta(self.alpha, self.alpha))
        return blend(videos, share), blend(target, share)


@dataclass(frozen=True)
class Cutmix:
    """With probability `p` a box of each video, the same in all its frames, comes from the batch in reverse
    order: a share from Beta(alpha, alpha) of the area stays."""

    relabels: ClassVar[bool] = True
    alpha: float = 1.0
    p: float = 1.0

    def __post_init__(self) -> None:
        require_number("cutmix: alpha", self.alpha, 1e-3)
        require_probability("cutmix: p", self.p)

    def mix(self, videos: Tensor, target: Tensor, rng: np.random.Generator) -> Mixed:
        """The targets have the share of the area that does stay."""
        if rng.random() >= self.p:
            return videos, target
        high, wide = videos.shape[-2:]
        share = float(rng.beta(self.alpha, self.alpha))
        videos, share = paste(videos, share, int(rng.integers(high)), int(rng.integers(wide)))
        return videos, blend(target, share)


@dataclass(frozen=True)
class MixupOrCutmix:
    """One of the two for each batch, CutMix with probability `switch`, as timm's Mixup and the transformers
    that are fine-tuned with it have them."""

    relabels: ClassVar[bool] = True
    mixup: float = 0.8
    cutmix: float = 1.0
    switch: float = 0.5
    p: float = 1.0

    def __post_init__(self) -> None:
        require_number("mixup-or-cutmix: mixup", self.mixup, 1e-3)
        require_number("mixup-or-cutmix: cutmix", self.cutmix, 1e-3)
        require_probability("mixup-or-cutmix: switch", self.switch)
        require_probability("mixup-or-cutmix: p", self.p)

    def mix(self, videos: Tensor, target: Tensor, rng: np.random.Generator) -> Mixed:
        """What the chosen one makes of them."""
        cut = rng.random() < self.switch
        one = Cutmix(self.cutmix, self.p) if cut else Mixup(self.mixup, self.p)
        return one.mix(videos, target, rng)


@dataclass(frozen=True)
class LabelSmoothing:
    """`amount` of each target is spread evenly over all classes (Szegedy et al., CVPR 2016)."""

    relabels: ClassVar[bool] = True
    amount: float = 0.1

    def __post_init__(self) -> None:
        require_number("label-smoothing: amount", self.amount, 0, 1)

    def mix(self, videos: Tensor, target: Tensor, rng: np.random.Generator) -> Mixed:
        """The videos as they are."""
        return videos, (1 - self.amount) * target + self.amount / target.shape[1]


def blend(x: Tensor, share: float) -> Tensor:
    """(B, ...) float: `share` of each row, and the rest of the row that is as far from the other end."""
    return x.flip(0).lerp(x, share) if share < 1 else x


def paste(x: Tensor, share: float, row: int, column: int) -> tuple[Tensor, float]:
    """(B, ..., H, W): a box around (row, column) with about 1 - `share` of the area comes from the batch in
    reverse order. The second value is the share that does stay, as a box at the border loses what sticks out.
    """
    high, wide = x.shape[-2:]
    side = sqrt(1 - share)
    top, bottom = _span(high, int(high * side), row)
    left, right = _span(wide, int(wide * side), column)
    mixed = x.clone()
    mixed[..., top:bottom, left:right] = x.flip(0)[..., top:bottom, left:right]
    return mixed, 1 - (bottom - top) * (right - left) / (high * wide)


def _span(length: int, cut: int, centre: int) -> tuple[int, int]:
    """`cut` pixels, an even number of them, around the centre; only what lies within the length."""
    half = cut // 2
    return max(centre - half, 0), min(centre + half, length)
