"""Operations of torchvision.transforms.v2, drawn once for a video and done to all its frames alike.

They work on bytes, on the host or on the device. torchvision is imported when the first one is applied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from dferbench.data.ranges import (
    require_among,
    require_count,
    require_number,
    require_probability,
    require_range,
    require_shares,
)
from dferbench.errors import ConfigError

if TYPE_CHECKING:
    from dferbench.data.seeded import Seeded

POLICIES = ("imagenet", "cifar10", "svhn")


class Torchvision:
    """What all of them share: a seed is drawn for each video, from which torchvision draws the rest.

    `p` is the probability that a video is changed at all.
    """

    transform: ClassVar[str]
    """The name of torchvision's class."""
    p: float = 1.0

    def draw(self, width: int, height: int, size: int, rng: np.random.Generator) -> Seeded | None:
        """One seed, and one toss of the coin if `p` is less than 1."""
        from dferbench.data.seeded import Seeded

        seed = int(rng.integers(2**63))
        return None if self.p < 1 and rng.random() >= self.p else Seeded(self, seed)

    def build(self) -> Callable[[Any], Any]:
        """torchvision's transform."""
        from torchvision.transforms import v2

        transform: Callable[[Any], Any] = getattr(v2, self.transform)(*self.arguments())
        return transform

    def arguments(self) -> tuple[Any, ...]:
        """What torchvision's class is called with."""
        raise NotImplementedError


@dataclass(frozen=True)
class ColorJitter(Torchvision):
    """Brightness, contrast and saturation times factors from U(1 - x, 1 + x), never below 0, and a turn of
    the hue by U(-hue, hue) of the circle; the four in one random order for a video."""

    transform = "ColorJitter"
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    p: float = 1.0

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast", "saturation"):
            require_number(f"color-jitter: {name}", getattr(self, name))
        require_number("color-jitter: hue", self.hue, 0, 0.5)
        require_probability("color-jitter: p", self.p)

    def arguments(self) -> tuple[Any, ...]:
        """In the order of torchvision."""
        return (self.brightness, self.contrast, self.saturation, self.hue)


@dataclass(frozen=True)
class RandAugment(Torchvision):
    """`n` operations drawn from fourteen, each of magnitude `m` of `bins` (Cubuk et al., CVPRW 2020)."""

    transform = "RandAugment"
    n: int = 2
    m: int = 9
    bins: int = 31

    def __post_init__(self) -> None:
        require_count("rand-augment: n", self.n)
        require_count("rand-augment: bins", self.bins, 2)
        require_count("rand-augment: m", self.m, 0)
        if self.m >= self.bins:
            raise ConfigError(
                f"rand-augment: m must be a whole number in [0, {self.bins - 1}], got {self.m}",
                "Give a smaller m, or more bins.",
            )

    def arguments(self) -> tuple[Any, ...]:
        """In the order of torchvision."""
        return (self.n, self.m, self.bins)


@dataclass(frozen=True)
class TrivialAugment(Torchvision):
    """One operation, drawn as its magnitude is (Müller and Hutter, ICCV 2021: TrivialAugment Wide)."""

    transform = "TrivialAugmentWide"
    bins: int = 31

    def __post_init__(self) -> None:
        require_count("trivial-augment: bins", self.bins, 2)

    def arguments(self) -> tuple[Any, ...]:
        """In the order of torchvision."""
        return (self.bins,)


@dataclass(frozen=True)
class AutoAugment(Torchvision):
    """One of the pairs of operations that were found for a data set of images (Cubuk et al., CVPR 2019)."""

    transform = "AutoAugment"
    policy: str = "imagenet"

    def __post_init__(self) -> None:
        require_among("auto-augment: policy", self.policy, POLICIES)

    def arguments(self) -> tuple[Any, ...]:
        """torchvision's AutoAugment."""
        from torchvision.transforms import AutoAugmentPolicy

        return (AutoAugmentPolicy(self.policy),)


@dataclass(frozen=True)
class RandomErasing(Torchvision):
    """With probability `p` a box of U(scale) of the area, its aspect log-uniform in `ratio`, takes the grey
    level `value` in every frame (Zhong et al., AAAI 2020)."""

    transform = "RandomErasing"
    p: float = 0.5
    scale: tuple[float, float] = (0.02, 0.33)
    ratio: tuple[float, float] = (0.3, 3.3)
    value: int = 0

    def __post_init__(self) -> None:
        require_probability("random-erasing: p", self.p)
        require_range("random-erasing: scale", self.scale, 0, 1)
        require_range("random-erasing: ratio", self.ratio, 0.01, 100)
        require_count("random-erasing: value", self.value, 0)
        require_number("random-erasing: value", self.value, 0, 255)

    def arguments(self) -> tuple[Any, ...]:
        """Probability 1, as `p` was drawn already, then area, aspect and grey level."""
        return (1.0, self.scale, self.ratio, self.value)


@dataclass(frozen=True)
class GaussianBlur(Torchvision):
    """With probability `p` a blur of U(sigma) pixels, by a kernel of `kernel` x `kernel` pixels."""

    transform = "GaussianBlur"
    kernel: int = 9
    sigma: tuple[float, float] = (0.1, 2.0)
    p: float = 0.5

    def __post_init__(self) -> None:
        require_count("gaussian-blur: kernel", self.kernel)
        if self.kernel % 2 == 0:
            raise ConfigError(
                f"gaussian-blur: kernel must be an odd number of pixels, got {self.kernel}", "Add 1."
            )
        require_range("gaussian-blur: sigma", self.sigma, 0.001)
        require_probability("gaussian-blur: p", self.p)

    def arguments(self) -> tuple[Any, ...]:
        """In the order of torchvision."""
        return (self.kernel, self.sigma)


@dataclass(frozen=True)
class Grayscale(Torchvision):
    """With probability `p` the three channels become the luminance of the frame."""

    transform = "Grayscale"
    p: float = 0.1

    def __post_init__(self) -> None:
        require_probability("grayscale: p", self.p)

    def arguments(self) -> tuple[Any, ...]:
        """In the order of torchvision."""
        return (3,)


@dataclass(frozen=True)
class RandomAffine(Torchvision):
    """A turn by U(-degrees, degrees), a shift by up to those shares of width and height, a scale of U(scale)
    and a shear along x by U(-shear, shear) degrees; nearest pixel, black outside."""

    transform = "RandomAffine"
    degrees: float = 0.0
    translate: tuple[float, float] = (0.0, 0.0)
    scale: tuple[float, float] = (1.0, 1.0)
    shear: float = 0.0

    def __post_init__(self) -> None:
        require_number("random-affine: degrees", self.degrees, 0, 180)
        require_shares("random-affine: translate", self.translate)
        require_range("random-affine: scale", self.scale, 0.01, 100)
        require_number("random-affine: shear", self.shear, 0, 89)

    def arguments(self) -> tuple[Any, ...]:
        """In the order of torchvision."""
        return (self.degrees, self.translate, self.scale, self.shear)
