"""How training videos are changed; a recipe says `jitter(brightness=0.5) | random-sized-crop | flip`.

An op is called as `op(images, size, rng)` with the Pillow images of one video, and draws once for all of
them. The operations and their distributions are those of the group transforms that DFER-CLIP took over from
Former-DFER; all are Pillow's, so that they give the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from dferbench import spec
from dferbench.data.decoders import Frames
from dferbench.errors import ConfigError

Images: TypeAlias = list[Image.Image]
BILINEAR = Image.Resampling.BILINEAR
TRIES = 10
"""How often a crop is drawn before the video is taken nearly whole."""


class Op(Protocol):
    """One change, drawn once for a video."""

    def __call__(self, images: Images, size: int, rng: np.random.Generator) -> Images:
        """The images, changed; `size` is the side in pixels that the video will have in the end."""
        ...


@dataclass(frozen=True)
class Jitter:
    """Brightness times a factor from U(1 - brightness, 1 + brightness), never below 0."""

    brightness: float = 0.5

    def __post_init__(self) -> None:
        _require_numbers("jitter: brightness", (self.brightness,), 0, math.inf)

    def __call__(self, images: Images, size: int, rng: np.random.Generator) -> Images:
        """The images, brighter or darker by one factor."""
        factor = rng.uniform(max(0.0, 1 - self.brightness), 1 + self.brightness)
        return [ImageEnhance.Brightness(image).enhance(factor) for image in images]


@dataclass(frozen=True)
class Rotate:
    """A turn by U(-degrees, degrees) about the centre: nearest pixel, same size, black corners."""

    degrees: float = 4.0

    def __post_init__(self) -> None:
        _require_numbers("rotate: degrees", (self.degrees,), 0, 180)

    def __call__(self, images: Images, size: int, rng: np.random.Generator) -> Images:
        """The images, turned by one angle."""
        angle = rng.uniform(-self.degrees, self.degrees)
        return [image.rotate(angle) for image in images]


@dataclass(frozen=True)
class RandomSizedCrop:
    """A box of random area and aspect, resized to the final size; the box of the first image serves all.

    The box has U(scale) of the area and an aspect of U(ratio) (not log-uniform), width and height swapped
    every other time. If none of ten fits, the shorter side is scaled to `size` and a square drawn from it.
    """

    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)

    def __post_init__(self) -> None:
        _require_numbers("random-sized-crop: scale", self.scale, 0, 1, count=2)
        _require_numbers("random-sized-crop: ratio", self.ratio, 0.01, 100, count=2)

    def __call__(self, images: Images, size: int, rng: np.random.Generator) -> Images:
        """The images, (size, size), cut at one box."""
        box = self.box(images[0].width, images[0].height, rng)
        if box is None:
            images = [_shorter_side_to(image, size) for image in images]
            box = _place(images[0].width, images[0].height, size, size, rng)
        return [image.crop(box).resize((size, size), BILINEAR) for image in images]

    def box(self, width: int, height: int, rng: np.random.Generator) -> tuple[int, int, int, int] | None:
        """(left, top, right, bottom) within an image of that size, or None after ten misses."""
        for _ in range(TRIES):
            area = rng.uniform(*self.scale) * width * height
            aspect = rng.uniform(*self.ratio)
            w, h = round((area * aspect) ** 0.5), round((area / aspect) ** 0.5)
            if rng.random() < 0.5:
                w, h = h, w
            if 0 < w <= width and 0 < h <= height:
                return _place(width, height, w, h, rng)
        return None


@dataclass(frozen=True)
class Flip:
    """A mirror image, left to right, with probability `p`."""

    p: float = 0.5

    def __post_init__(self) -> None:
        _require_numbers("flip: p", (self.p,), 0, 1)

    def __call__(self, images: Images, size: int, rng: np.random.Generator) -> Images:
        """The images, or all of them mirrored."""
        if rng.random() >= self.p:
            return images
        return [image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for image in images]


OPS = {"jitter": Jitter, "rotate": Rotate, "random-sized-crop": RandomSizedCrop, "flip": Flip}
"""Operations by the names that recipes use."""


def make_ops(text: str) -> tuple[Op, ...]:
    """The operations that `View.augment` names, in order. Raises ConfigError or UnknownName."""
    return tuple(spec.make(text, OPS, "augmentation"))


def finish(
    frames: Frames, size: int, ops: Sequence[Op] = (), rng: np.random.Generator | None = None
) -> NDArray[np.uint8]:
    """Frames of any size -> (T, size, size, 3) uint8, changed by `ops`, which need `rng`.

    What does not have its final size in the end is resized by Pillow's bilinear filter, its aspect not kept.
    """
    if not ops and isinstance(frames, np.ndarray) and frames.shape[1:3] == (size, size):
        return frames
    images = [Image.fromarray(frame) for frame in frames]
    for op in ops:
        assert rng is not None
        images = op(images, size, rng)
    finished = np.empty((len(images), size, size, 3), np.uint8)
    for place, image in zip(finished, images, strict=True):
        place[:] = np.asarray(image if image.size == (size, size) else image.resize((size, size), BILINEAR))
    return finished


def _place(width: int, height: int, w: int, h: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
    left, top = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
    return left, top, left + w, top + h


def _shorter_side_to(image: Image.Image, size: int) -> Image.Image:
    short, long = sorted(image.size)
    scaled = int(size * long / short)
    return image.resize((size, scaled) if image.width <= image.height else (scaled, size), BILINEAR)


def _require_numbers(what: str, values: object, low: float, high: float, count: int = 1) -> None:
    """`values` must be `count` numbers within [low, high], in order. Raises ConfigError."""
    if isinstance(values, tuple) and len(values) == count and all(isinstance(v, int | float) for v in values):
        ordered = (low, *values, high)
        if all(a <= b for a, b in pairwise(ordered)):
            return
    shown = values[0] if isinstance(values, tuple) and count == 1 else values
    wanted = "a number" if count == 1 else f"{count} numbers in order, in brackets,"
    raise ConfigError(f"{what} is {shown!r}", f"Give {wanted} from {low} to {high}.")
