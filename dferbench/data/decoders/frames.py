"""What every reader takes and returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Image: TypeAlias = "NDArray[np.uint8]"
"""(H, W, 3) RGB."""
Frames: TypeAlias = "NDArray[np.uint8] | list[NDArray[np.uint8]]"
"""(T, H, W, 3) RGB, or a list of (H, W, 3) where the frames differ in size."""
Choose: TypeAlias = "Callable[[int], Sequence[int] | NDArray[np.integer[Any]]] | Sequence[int]"
"""The wanted frame numbers, or a function that takes the true number of frames and returns them."""
Reader: TypeAlias = "Callable[[str, Choose], Frames]"
"""read(path, choose) -> frames, in the order chosen; raises VideoError."""


@dataclass(frozen=True)
class Passing:
    """A frame as its video goes by: its number from 0 on, when it is shown in seconds (None for a folder of
    images), and `image()`, which turns it into pixels."""

    number: int
    seconds: float | None
    image: Callable[[], Image]


def choose_from(count: int, choose: Choose) -> list[int]:
    """The wanted frame numbers of a video of `count` frames. Raises IndexError for one it does not have."""
    wanted = [int(i) for i in (choose(count) if callable(choose) else choose)]
    for i in wanted:
        if not 0 <= i < count:
            raise IndexError(f"frame {i} was asked for, but the video has {count}")
    return wanted


def arrange(found: Mapping[int, Image], wanted: Sequence[int]) -> Frames:
    """The frames in the order wanted, repeats included."""
    import numpy as np

    images = [found[i] for i in wanted]
    if len({image.shape for image in images}) == 1:
        return np.stack(images)
    return images
