"""Where the crop is in every frame of a video, from the looks that found a face.

From one jump to the next, which is a cut or another person, the crop moves evenly and keeps its size, so that
the face never seems to breathe; at a jump it jumps too, and never shows what lies between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dferbench.data.ranges import require_count, require_number
from dferbench.errors import ConfigError, VideoError
from dferbench.face_crops.links import CHOICES, Look, Sighting, followed, jumps
from dferbench.face_crops.steady import middles, side_of, tilts

Floats = NDArray[np.float64]

REACH = 2
"""So many looks further a face counts as seen: for its tracklet, and for the frames that are near a find."""
DOUBTFUL = 0.1
"""A larger share of frames far from any detection is worth a warning."""


@dataclass(frozen=True)
class Following:
    """How a face is followed: looked for in every `every`-th frame and found in a share of at least `least`
    of them; the side of the crop is the face's and `margin` of it more; `align` levels the eyes; `choose`
    says which of several faces (see `links.CHOICES`).

    A video is refused whose crop jumps in more than a share `most_jumps` of the looks, or in which more than
    a share `most_far` of the frames is further than two looks from a find. `every` counts from 1, `margin`
    lies in [0, 10], and shares lie in [0, 1]. Raises ConfigError for other values and an unknown choice.
    """

    every: int = 5
    least: float = 0.5
    margin: float = 0.3
    align: bool = False
    choose: str = "largest"
    most_jumps: float = 0.5
    most_far: float = 0.5

    def __post_init__(self) -> None:
        require_count("every", self.every)
        require_number("margin", self.margin, 0, 10)
        for share in ("least", "most_jumps", "most_far"):
            require_number(share, getattr(self, share), 0, 1)
        if self.choose not in CHOICES:
            raise ConfigError(
                f"--choose must be one of {', '.join(CHOICES)}, got '{self.choose}'",
                "It says which face is followed where there are several.",
            )


@dataclass(frozen=True)
class Track:
    """A crop in each frame: `centres` (N, 2) and `sides` (N,) in pixels; `tilts` (N,) in degrees are turned
    back.

    `size` is the (width, height) of the frames, `looked` and `found` say how often the face was looked for
    and found, `jumps` how often the crop leaps to another place, and `far` is the share of frames further
    than two looks from a find.
    """

    centres: Floats
    tilts: Floats
    sides: Floats
    size: tuple[int, int]
    looked: int
    found: int
    jumps: int = 0
    far: float = 0.0

    @property
    def side(self) -> float:
        """The median side of the crop, in pixels."""
        return float(np.median(self.sides))

    @property
    def doubt(self) -> str:
        """What speaks against the crops, in words; "" if nothing does."""
        said = []
        if self.jumps:
            said.append(f"the crop jumps {_times(self.jumps)} (a cut, another person, or a wrong find)")
        if self.far > DOUBTFUL:
            said.append(f"{self.far:.0%} of the frames are far from any detection")
        return "; ".join(said)


def settle(path: str, looks: Sequence[Look], count: int, size: tuple[int, int], how: Following) -> Track:
    """The track of `count` frames that the looks give, those at every `how.every`-th frame and any others.

    Raises VideoError if too few looks found a face, if the crop would jump too often, or if too many frames
    are far from any detection.
    """
    seen = followed(looks, REACH * how.every, how.choose, size, strays=False)
    regular = [look for look in looks if look.number % how.every == 0]
    found = sum(one.number % how.every == 0 for one in seen)
    if not seen or found < how.least * len(regular):
        raise VideoError(
            path,
            f"a face was found in {found} of {len(regular)} sampled frames, less than the fraction of "
            f"{how.least:g} that is required",
        )
    starts = jumps(seen)
    far = _far([one.number for one in seen], count, REACH * how.every)
    _require_steady(path, len(starts), len(regular), far, how)
    parts = [_part(*one, size, how) for one in _parts(seen, starts, count)]
    centres, sides, turned = (np.concatenate(values) for values in zip(*parts, strict=True))
    return Track(centres, turned, sides, size, len(regular), found, len(starts), far)


def _require_steady(path: str, count: int, looked: int, far: float, how: Following) -> None:
    # A single jump is a cut, however short the video, and allowed where any are.
    if count > max(how.most_jumps * looked, how.most_jumps > 0):
        raise VideoError(
            path,
            f"the crop would jump {_times(count)} in {looked} sampled frames, more than the fraction of "
            f"{how.most_jumps:g} that is allowed: there are cuts, several people, or detections that are "
            "not faces",
        )
    if far > how.most_far:
        raise VideoError(
            path,
            f"{far:.0%} of its frames are more than {REACH * how.every} frames from any detection, more than "
            f"the fraction of {how.most_far:g} that is allowed",
        )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _far(numbers: Sequence[int], count: int, reach: int) -> float:
    """The share of `count` frames that are more than `reach` away from each of `numbers`."""
    near = np.zeros(count, bool)
    for number in numbers:
        near[max(0, number - reach) : number + reach + 1] = True
    return float(1 - near.mean())


def _parts(
    seen: Sequence[Sighting], starts: Sequence[int], count: int
) -> list[tuple[Sequence[Sighting], range]]:
    """The sightings from one jump to the next, with all frames nearer to them than to the others."""
    bounds = [0, *((seen[i - 1].number + seen[i].number) // 2 + 1 for i in starts), count]
    groups = [seen[i:j] for i, j in pairwise([0, *starts, len(seen)])]
    return [(group, range(*two)) for group, two in zip(groups, pairwise(bounds), strict=True)]


def _part(
    seen: Sequence[Sighting], frames: range, size: tuple[int, int], how: Following
) -> tuple[Floats, Floats, Floats]:
    """Centres, sides and tilts of the crop from one jump to the next."""
    # A square that left the frame would show what is not in the video.
    side = min(side_of(seen, how.margin), *size)
    centres = np.clip(middles(seen, frames, how.every), side / 2, np.array(size) - side / 2)
    turned = tilts(seen, frames, how.every) if how.align else np.zeros(len(frames))
    return centres, np.full(len(frames), side), turned
