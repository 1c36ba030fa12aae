"""Videos of a batch blended in pairs, and targets to match: mixup and CutMix, one of the two each batch.

Zhang et al., "mixup: Beyond Empirical Risk Minimization" (ICLR 2018); Yun et al., "CutMix" (ICCV 2019);
together and with smoothed labels, as image and video transformers are commonly fine-tuned.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor
from torch.nn import functional as F

from dferbench import ConfigError


@dataclass(frozen=True)
class Mix:
    """Blends a batch with itself in reverse order, so that its first video meets its last.

    `mixup` and `cutmix` are the parameters a of the distributions Beta(a, a) from which a batch's share is
    drawn; 0 is without, and with both a coin decides. `smoothing` of each label is spread over all `classes`.
    All is drawn from torch's global generator, once a batch: every video of it gets the same share, and every
    frame the same box. Raises ConfigError for values out of range.
    """

    classes: int
    mixup: float = 0.8
    cutmix: float = 1.0
    smoothing: float = 0.1

    def __post_init__(self) -> None:
        if self.mixup < 0 or self.cutmix < 0:
            raise ConfigError(
                f"mixup={self.mixup:g} and cutmix={self.cutmix:g}", "Give 0, for none, or more."
            )
        if not 0 <= self.smoothing < 1:
            raise ConfigError(f"smoothing is {self.smoothing:g}", "Give 0 up to below 1.")

    def __call__(self, x: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """(B, ..., H, W) float, (B,) int64 -> videos of the same shape, targets (B, C), each summing to 1.

        `F.cross_entropy` takes such targets. The given tensors stay as they are. In an odd batch the middle
        video meets itself, and a lone one always does.
        """
        share, cut = self._draw()
        if cut:
            x, share = _cut(x, share)
        elif share < 1:
            x = torch.lerp(x.flip(0), x, share)
        target = self._smooth(label)
        return x, share * target + (1 - share) * target.flip(0)

    def _draw(self) -> tuple[float, bool]:
        """How much of each video stays, and whether the rest is a box cut from its partner."""
        if not (self.mixup or self.cutmix):
            return 1.0, False
        cut = self.cutmix > 0 and (not self.mixup or float(torch.rand(())) < 0.5)
        a = torch.tensor(self.cutmix if cut else self.mixup)
        return float(torch.distributions.Beta(a, a).sample()), cut

    def _smooth(self, label: Tensor) -> Tensor:
        """(B,) int64 -> (B, C) float."""
        one_hot = F.one_hot(label, self.classes).float()
        return one_hot * (1 - self.smoothing) + self.smoothing / self.classes


def _cut(x: Tensor, share: float) -> tuple[Tensor, float]:
    """A box of about 1 - `share` of the area comes from the partner. The second value is the share that does
    stay, as a box at the border loses what sticks out."""
    high, wide = x.shape[-2:]
    side = sqrt(1 - share)
    top, bottom = _span(high, int(high * side))
    left, right = _span(wide, int(wide * side))
    mixed = x.clone()
    mixed[..., top:bottom, left:right] = x.flip(0)[..., top:bottom, left:right]
    return mixed, 1 - (bottom - top) * (right - left) / (high * wide)


def _span(length: int, cut: int) -> tuple[int, int]:
    """`cut` pixels, an even number of them, around a centre drawn from `length`; only what lies within."""
    centre, half = int(torch.randint(length, ())), cut // 2
    return max(centre - half, 0), min(centre + half, length)
