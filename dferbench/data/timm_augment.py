"""RandAugment as timm has it, for videos: what the released loaders of VideoMAE and its kin apply."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dferbench.data.ranges import require_among
from dferbench.errors import ConfigError

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from dferbench.data.seeded import Seeded

POLICY = re.compile(r"rand(-m\d+|-n\d+|-p\d+(\.\d+)?|-mstd\d+(\.\d+)?|-mmax\d+|-inc[01])*")
FILTERS = ("bilinear", "bicubic", "random")


@dataclass(frozen=True)
class TimmRandAugment:
    """`n` operations of magnitude `m`, with a standard deviation of `mstd`, each done with probability 1/2;
    `inc1` takes those whose effect grows with the magnitude. `policy` is written as timm writes it.

    What is drawn holds for all frames of a video. Pillow does the work, on the CPU, wherever the video is;
    corners are grey. `interpolation` is Pillow's filter for what turns, shears or shifts.
    """

    policy: str = "rand-m9-n2-mstd0.5"
    interpolation: str = "bicubic"

    def __post_init__(self) -> None:
        if not isinstance(self.policy, str) or not POLICY.fullmatch(self.policy):
            raise ConfigError(
                f"timm-rand-augment: policy must be rand with parts -m9 -n2 -p0.5 -mstd0.5 -mmax10 -inc1, "
                f"got {self.policy!r}",
                "Write for example timm-rand-augment(rand-m7-n4-mstd0.5-inc1).",
            )
        require_among("timm-rand-augment: interpolation", self.interpolation, FILTERS)

    def draw(self, width: int, height: int, size: int, rng: np.random.Generator) -> Seeded:
        """One seed, from which timm draws the rest."""
        from dferbench.data.seeded import Seeded

        return Seeded(self, int(rng.integers(2**63)))

    def build(self) -> Callable[[Tensor], Tensor]:
        """timm's transform of images, done to all frames from the same state of the generators."""
        from PIL.Image import Resampling
        from timm.data.auto_augment import rand_augment_transform

        filters = {"bilinear": Resampling.BILINEAR, "bicubic": Resampling.BICUBIC}
        chosen = {} if self.interpolation == "random" else {"interpolation": filters[self.interpolation]}
        # timm would put its own defaults in the place of an empty mapping.
        transform = rand_augment_transform(self.policy, {"translate_pct": 0.45, **chosen})
        return lambda frames: _each(frames, transform)


def _each(frames: Tensor, transform: Callable[[Image], Any]) -> Tensor:
    """(T, 3, H, W) uint8, each frame through the transform with the same draw."""
    import torch
    from PIL import Image

    from dferbench.data.seeded import reseed

    seed = int(torch.randint(2**62, ()))
    done = []
    for frame in frames.permute(0, 2, 3, 1).cpu().numpy():
        reseed(seed)
        done.append(np.asarray(transform(Image.fromarray(frame))))
    return torch.from_numpy(np.stack(done)).permute(0, 3, 1, 2).to(frames.device)
