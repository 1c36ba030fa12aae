"""What an explanation says: plain arrays, no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROLLOUT, OCCLUSION = "attention roll-out", "occlusion"


@dataclass(frozen=True)
class Heat:
    """How much frames (T,) and places (T, h, w) count. Of roll-out these are shares of attention, which sum
    to one over the frames and over the places of each; of occlusion, by how much the log-odds of the class
    fall, below zero where they rise."""

    time: NDArray[np.float64]
    space: NDArray[np.float64]


@dataclass(frozen=True)
class Explanation:
    """One video: the frames that the model was shown (T, size, size, 3) uint8, their numbers, the
    probabilities, the class that is explained, and the heat. `method` is ROLLOUT or OCCLUSION, and `why` says
    in words why that one."""

    video: str
    frames: NDArray[np.uint8]
    numbers: Sequence[int]
    classes: Sequence[str]
    probabilities: Sequence[float]
    explained: str
    method: str
    why: str
    heat: Heat
    facts: Mapping[str, Any]

    @property
    def predicted(self) -> str:
        """The likeliest class; of equal ones the earlier."""
        return self.classes[int(np.argmax(self.probabilities))]

    @property
    def probability(self) -> float:
        """That of the class that is explained."""
        return self.probabilities[list(self.classes).index(self.explained)]
