"""What every reader takes and returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


def arrange(found: dict[int, Image], wanted: Sequence[int]) -> Frames:
    """The frames in the order wanted, repeats included; they are taken out of `found`."""
    import numpy as np

    if len({image.shape for image in found.values()}) != 1:
        return [found[i] for i in wanted]
    batch = np.empty((len(wanted), *found[wanted[0]].shape), np.uint8)
    last = {number: place for place, number in enumerate(wanted)}
    for place, number in enumerate(wanted):
        batch[place] = found[number]
        if last[number] == place:  # let go, so that all frames are not held twice
            del found[number]
    return batch
