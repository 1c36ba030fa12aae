"""How training videos are changed: what is drawn. A recipe says `jitter(brightness=0.5) | random-sized-crop`.

An operation draws once for a video, from the size of its first frame, and gives a change: plain data, which
`dferbench.data.pixels` applies to all frames alike, on the host or on the device. The operations and their
distributions here are those of the group transforms that DFER-CLIP took over from Former-DFER.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

import numpy as np

from dferbench.data.ranges import require_number, require_probability, require_range

if TYPE_CHECKING:
    from torch import Tensor

Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels, the last two outside."""
TRIES = 10
"""How often a crop is drawn before the video is taken nearly whole."""


@dataclass(frozen=True, slots=True)
class Brightness:
    """Every value times `factor`, cut to whole numbers and to 0..255."""

    factor: float


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn by `angle` degrees counter-clockwise about the centre: nearest pixel, black corners."""

    angle: float


@dataclass(frozen=True, slots=True)
class Crop:
    """What lies in the box (left, top, right, bottom), black outside the frame, resized to the final size.

    If `scaled`, the shorter side of each frame is first resized to the final size.
    """

    box: Box
    scaled: bool = False


@dataclass(frozen=True, slots=True)
class Mirror:
    """Left and right exchanged."""


class VideoChange(Protocol):
    """Any other change. Everything random in it is drawn already, so that it does the same to every frame; it
    must be picklable, for it may be drawn in one process and applied in another."""

    def __call__(self, frames: Tensor) -> Tensor:
        """(T, 3, H, W) uint8 RGB -> frames of the same shape and type, on the same device."""
        ...


Change: TypeAlias = Brightness | Turn | Crop | Mirror | VideoChange
Changes: TypeAlias = tuple[Change, ...]
"""What was drawn for one video, in the order of its application."""


@runtime_checkable
class Op(Protocol):
    """One kind of change, drawn once for a video: what a registered augmentation builds."""

    def draw(self, width: int, height: int, size: int, rng: np.random.Generator) -> Change | None:
        """The change of a video of that width and height, or None if it stays as it is.

        `size` is the side in pixels that the video will have in the end.
        """
        ...


@dataclass(frozen=True)
class Jitter:
    """Brightness times a factor from U(1 - brightness, 1 + brightness), never below 0."""

    brightness: float = 0.5

    def __post_init__(self) -> None:
        require_number("jitter: brightness", self.brightness)

    def draw(self, width: int, height: int, size: int, rng: np.random.Generator) -> Brightness:
        """One factor."""
        return Brightness(rng.uniform(max(0.0, 1 - self.brightness), 1 + self.brightness))


@dataclass(frozen=True)
class Rotate:
    """A turn by U(-degrees, degrees)."""

    degrees: float = 4.0

    def __post_init__(self) -> None:
        require_number("rotate: degrees", self.degrees, 0, 180)

    def draw(self, width: int, height: int, size: int, rng: np.random.Generator) -> Turn:
        """One angle."""
        return Turn(rng.uniform(-self.degrees, self.degrees))


@dataclass(frozen=True)
class RandomSizedCrop:
    """A box of random area and aspect, resized to the final size.

    The box has U(scale) of the area and an aspect of U(ratio) (not log-uniform), width and height swapped
    every other time. If none of ten fits, the shorter side is scaled to the final size and a square drawn
    from the result.
    """

    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)

    def __post_init__(self) -> None:
        require_range("random-sized-crop: scale", self.scale, 0, 1)
        require_range("random-sized-crop: ratio", self.ratio, 0.01, 100)

    def draw(self, width: int, height: int, size: int, rng: np.random.Generator) -> Crop:
        """One box."""
        box = self.box(width, height, rng)
        if box is not None:
            return Crop(box)
        return Crop(place(*shorter_side_to(size, width, height), size, size, rng), scaled=True)

    def box(self, width: int, height: int, rng: np.random.Generator) -> Box | None:
        """(left, top, right, bottom) within an image of that size, or None after ten misses."""
        for _ in range(TRIES):
            area = rng.uniform(*self.scale) * width * height
            aspect = rng.uniform(*self.ratio)
            w, h = round((area * aspect) ** 0.5), round((area / aspect) ** 0.5)
            if rng.random() < 0.5:
                w, h = h, w
            if 0 < w <= width and 0 < h <= height:
                return place(width, height, w, h, rng)
        return None


@dataclass(frozen=True)
class Flip:
    """A mirror image, left to right, with probability `p`."""

    p: float = 0.5

    def __post_init__(self) -> None:
        require_probability("flip: p", self.p)

    def draw(self, width: int, height: int, size: int, rng: np.random.Generator) -> Mirror | None:
        """One toss of the coin."""
        return Mirror() if rng.random() < self.p else None


def draw(ops: Sequence[Op], width: int, height: int, size: int, rng: np.random.Generator) -> Changes:
    """What `ops` do to a video whose first frame has that width and height, each seeing what came before."""
    changes: list[Change] = []
    for op in ops:
        change = op.draw(width, height, size, rng)
        if isinstance(change, Crop):
            width = height = size
        if change is not None:
            changes.append(change)
    return tuple(changes)


def shorter_side_to(size: int, width: int, height: int) -> tuple[int, int]:
    """Width and height of a frame whose shorter side becomes `size` while its aspect stays."""
    if width <= height:
        return size, int(size * height / width)
    return int(size * width / height), size


def place(width: int, height: int, w: int, h: int, rng: np.random.Generator) -> Box:
    """A box of w x h, anywhere within width x height."""
    left, top = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
    return left, top, left + w, top + h
