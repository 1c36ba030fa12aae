"""Which corruptions there are, each at three severities, and what they make of one video."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from dferbench.data.decoders import Frames
from dferbench.data.stress import order, pixels
from dferbench.errors import UnknownName

Change: TypeAlias = "Callable[[Any, Any, np.random.Generator], Any]"
"""change(video or frame numbers, value, rng) -> the same, corrupted."""
SEVERITIES = (1, 2, 3)
IMAGENET_C = "ImageNet-C's severities 1, 3 and 5"
OURS = "ours; there is no figure that is usual"


@dataclass(frozen=True)
class Corruption:
    """A way to make videos worse: `change` with one of three `values`, from mild to severe.

    `of_order` tells changes of frame numbers from those of pixels. `unit` says in words what the values are,
    and `source` where they come from.
    """

    name: str
    change: Change
    values: tuple[float, float, float]
    unit: str
    source: str = OURS
    of_order: bool = False


CORRUPTIONS: Mapping[str, Corruption] = {
    one.name: one
    for one in (
        Corruption("blur", pixels.blur, (1, 3, 6), "standard deviation in pixels of 224", IMAGENET_C),
        Corruption("jpeg", pixels.jpeg, (25, 15, 7), "quality", IMAGENET_C),
        Corruption(
            "low-resolution", pixels.low_resolution, (1 / 2, 1 / 4, 1 / 8), "share of the side",
            "ours; ImageNet-C's pixelate ends at 1/4, and faces in films are smaller",
        ),
        Corruption("noise", pixels.noise, (0.08, 0.18, 0.38), "standard deviation, of 0..1", IMAGENET_C),
        Corruption("occlusion", pixels.occlusion, (0.1, 0.25, 0.5), "share of the area"),
        Corruption("crop-shift", pixels.crop_shift, (0.05, 0.1, 0.2), "share of the side"),
        Corruption("brightness", pixels.brightness, (0.1, 0.3, 0.5), "added to values of 0..1", IMAGENET_C),
        Corruption("frame-drop", order.drop, (0.25, 0.5, 0.75), "share of the frames", of_order=True),
        Corruption("repeat", order.repeat, (0.25, 0.5, 0.75), "share of the frames", of_order=True),
        Corruption("reverse", order.reverse, (0.5, 0.75, 1.0), "share of the video", of_order=True),
        Corruption("shuffle", order.shuffle, (4, 16, 0), "pieces; 0 is single frames", of_order=True),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Stress:
    """A corruption at one severity, 1 to 3."""

    corruption: Corruption
    severity: int

    @property
    def value(self) -> float:
        """What the corruption is given."""
        return self.corruption.values[self.severity - 1]

    @property
    def name(self) -> str:
        """As it is written: blur(severity=2)."""
        return f"{self.corruption.name}(severity={self.severity})"

    def frames(self, count: int, video: str) -> Any:
        """The frame numbers that the video of `count` frames shows, one after another."""
        whole = np.arange(count, dtype=np.int64)
        if not self.corruption.of_order:
            return whole
        return self.corruption.change(whole, self.value, self._generator(video))

    def pixels(self, frames: Frames, video: str) -> Frames:
        """What becomes of the frames that were chosen; frames of different sizes are changed one by one."""
        if self.corruption.of_order:
            return frames
        if isinstance(frames, np.ndarray):
            changed: Frames = self.corruption.change(frames, self.value, self._generator(video))
            return changed
        return [self.corruption.change(one[None], self.value, self._generator(video))[0] for one in frames]

    def _generator(self, video: str) -> np.random.Generator:
        """What is drawn depends on the corruption and the video's id alone: not on the severity, so that the
        severe version hides what the mild one hides, nor on order, batch, worker or what else is applied."""
        digest = hashlib.sha256(f"stress/{self.corruption.name}/{video}".encode()).digest()
        return np.random.default_rng(int.from_bytes(digest, "big"))


def stresses(names: Sequence[str] = ()) -> list[Stress]:
    """All severities of the corruptions of these names, by default of all. Raises UnknownName."""
    for name in names:
        if name not in CORRUPTIONS:
            raise UnknownName("corruption", name, CORRUPTIONS)
    wanted = [one for name, one in CORRUPTIONS.items() if not names or name in names]
    return [Stress(one, severity) for one in wanted for severity in SEVERITIES]
