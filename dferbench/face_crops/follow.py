"""Looking for the face of a video: in every k-th frame, and in all frames around a jump."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dferbench.data.decoders import folder, stream
from dferbench.data.decoders.frames import Passing
from dferbench.errors import VideoError
from dferbench.face_crops.links import Look, followed, jumps
from dferbench.face_crops.look import Finder
from dferbench.face_crops.track import REACH, Following, Track, settle

Size = tuple[int, int]
"""Width and height."""


def follow(path: str, video: str, finder: Finder, how: Following, order: str = "natural") -> Track:
    """Where the face is in each frame of the video at `path`, which the finder knows as `video`.

    It is followed through time; `order` says which frame of a folder of images is which in the track, as in
    `dferbench.Input`.

    Raises VideoError if the video cannot be read, if its frames differ in size, or if what the looks found
    is less than `how` asks for.
    """
    watched = _Watched(path, video, finder)
    looks, count = watched.regularly(how.every)
    near = _near_jumps(looks, watched.size, how) - {look.number for look in looks}
    if near.intersection(range(count)):
        # Once more from the start: frames between two looks are not kept, for those of a large video would
        # fill the memory.
        looks = sorted(looks + watched.at(near), key=lambda look: look.number)
    return _in_order(settle(path, looks, count, watched.size, how), path, order)


def _in_order(track: Track, path: str, order: str) -> Track:
    if order == "natural" or not Path(path).is_dir():
        return track
    place = {name: number for number, name in enumerate(folder.listed(path))}
    numbers = [place[name] for name in folder.listed(path, order)]
    centres, tilts, sides = track.centres[numbers], track.tilts[numbers], track.sides[numbers]
    return replace(track, centres=centres, tilts=tilts, sides=sides)


@dataclass
class _Watched:
    """A video as its finder sees it; `size` is that of its frames once one was looked at."""

    path: str
    video: str
    finder: Finder
    size: Size = (0, 0)

    def look(self, frame: Passing) -> Look:
        """One look at a frame. Raises VideoError if its size is not that of the others."""
        image = frame.image()
        self.size = same_size(self.path, self.size, image)
        return Look(frame.number, self.finder.faces(image, self.video, frame.number))

    def regularly(self, every: int) -> tuple[list[Look], int]:
        """The looks at every so many frames and at the last, which may follow a cut; the number of frames."""
        looks, frame = [], None
        for frame in stream(self.path):
            if frame.number % every == 0:
                looks.append(self.look(frame))
        if frame is None:
            return [], 0
        if frame.number != looks[-1].number:
            looks.append(self.look(frame))
        return looks, frame.number + 1

    def at(self, numbers: Set[int]) -> list[Look]:
        """The looks at some frames, in order."""
        return [self.look(frame) for frame in stream(self.path) if frame.number in numbers]


def _near_jumps(looks: Sequence[Look], size: Size, how: Following) -> set[int]:
    """The frames between the looks on both sides of each jump, and as many before and after them."""
    seen = followed(looks, REACH * how.every, how.choose, size)
    sides = [seen[i - k].number for i in jumps(seen) for k in (1, 0)]
    return {near for number in sides for near in range(number - how.every + 1, number + how.every)}


def same_size(path: str, size: Size, image: NDArray[np.uint8]) -> Size:
    """The (width, height) of `image`, which must be `size` unless that is (0, 0). Raises VideoError."""
    height, width = image.shape[:2]
    if size not in ((0, 0), (width, height)):
        raise VideoError(path, f"its frames differ in size ({size[0]} x {size[1]} and {width} x {height})")
    return width, height
