"""Videos of a batch blended in pairs, and targets to match: mixup and CutMix, one of the two each batch.

Zhang et al., "mixup: Beyond Empirical Risk Minimization" (ICLR 2018); Yun et al., "CutMix" (ICCV 2019);
together and with smoothed labels, as image and video transformers are commonly fine-tuned.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from dferbench import ConfigError
from dferbench.data import blend, paste, require_number


@dataclass(frozen=True)
class Mix:
    """Blends a batch with itself in reverse order, so that its first video meets its last.

    `mixup` and `cutmix` are the parameters a of the distributions Beta(a, a) from which a batch's share is
    drawn; 0 is without, and with both a coin decides. `smoothing` of each label is spread over all `classes`.
    All is drawn from torch's global generator, once a batch: every video of it gets the same share, and every
    frame the same box. What several processes have of a batch is, in reverse order, its part of the reverse.
    Raises ConfigError for values out of range.
    """

    classes: int
    mixup: float = 0.8
    cutmix: float = 1.0
    smoothing: float = 0.1

    def __post_init__(self) -> None:
        require_number("mixup", self.mixup)
        require_number("cutmix", self.cutmix)
        if not 0 <= self.smoothing < 1:
            raise ConfigError(f"smoothing must be a number in [0, 1), got {self.smoothing:g}", "Change it.")

    def __call__(
        self, x: Tensor, label: Tensor, together: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> tuple[Tensor, Tensor]:
        """(B, ..., H, W) float, (B,) int64 -> videos of the same shape, targets (B, C), each summing to 1.

        `F.cross_entropy` takes such targets. The given tensors stay as they are. In an odd batch the middle
        video meets itself, and a lone one always does. `together` is that of the batch.
        """
        target = self._smooth(label)
        if not (self.mixup or self.cutmix):
            return x, target
        with together():
            share, cut = self._draw()
            row, column = (int(torch.randint(side, ())) for side in x.shape[-2:]) if cut else (0, 0)
        if cut:
            x, share = paste(x, share, row, column)
        else:
            x = blend(x, share)
        return x, share * target + (1 - share) * target.flip(0)

    def _draw(self) -> tuple[float, bool]:
        """How much of each video stays, and whether the rest is a box cut from its partner."""
        cut = self.cutmix > 0 and (not self.mixup or float(torch.rand(())) < 0.5)
        a = torch.tensor(self.cutmix if cut else self.mixup)
        return float(torch.distributions.Beta(a, a).sample()), cut

    def _smooth(self, label: Tensor) -> Tensor:
        """(B,) int64 -> (B, C) float."""
        one_hot = F.one_hot(label, self.classes).float()
        return one_hot * (1 - self.smoothing) + self.smoothing / self.classes
