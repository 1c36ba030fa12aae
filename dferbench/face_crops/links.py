"""Which looks show the same face, and whose face the crop follows where there are several.

Faces of successive looks whose boxes overlap are linked into a tracklet, as in the tracker of Bochinski et
al. (AVSS 2017). Where two faces are seen at a time, the tracklet that ranks first has its time for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from dferbench.face_crops.look import area, overlap
from dferbench.types import Face

SAME = 0.4
"""The least overlap of the boxes of one face in two looks: it moved by no more than 0.43 of its width."""
STRAY = 3
"""A tracklet of fewer looks never goes before a longer one: most wrong finds last for a look."""


@dataclass(frozen=True)
class Look:
    """One look at a frame: its number, and the faces that were found there."""

    number: int
    faces: tuple[Face, ...] = ()


@dataclass(frozen=True)
class Sighting:
    """A face and the number of the frame that shows it."""

    number: int
    face: Face


@dataclass
class Tracklet:
    """The sightings of one face, in order."""

    sightings: list[Sighting] = field(default_factory=list)

    @property
    def last(self) -> Sighting:
        """The latest sighting."""
        return self.sightings[-1]

    def covers(self, number: int) -> bool:
        """Whether a frame lies between the first and the last sighting."""
        return self.sightings[0].number <= number <= self.last.number


def tracklets(looks: Sequence[Look], reach: int) -> list[Tracklet]:
    """The tracklets through looks in order; a face unseen for more than `reach` frames begins a new one."""
    ended: list[Tracklet] = []
    open_: list[Tracklet] = []
    for look in looks:
        ended += [tracklet for tracklet in open_ if look.number - tracklet.last.number > reach]
        open_ = [tracklet for tracklet in open_ if look.number - tracklet.last.number <= reach]
        open_ += _continued(open_, look)
    return sorted(ended + open_, key=lambda tracklet: tracklet.sightings[0].number)


def _continued(open_: Sequence[Tracklet], look: Look) -> list[Tracklet]:
    """Append each face to the tracklet that it overlaps most, best pairs first; the rest begin new ones."""
    pairs = [
        (overlap(one.last.face.box, face.box), i, j)
        for i, one in enumerate(open_)
        for j, face in enumerate(look.faces)
    ]
    taken: set[int] = set()
    placed: set[int] = set()
    for value, i, j in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2])):
        if value >= SAME and i not in taken and j not in placed:
            open_[i].sightings.append(Sighting(look.number, look.faces[j]))
            taken.add(i)
            placed.add(j)
    return [Tracklet([Sighting(look.number, face)]) for j, face in enumerate(look.faces) if j not in placed]


def _largest(tracklet: Tracklet, size: tuple[int, int]) -> float:
    return float(np.median([area(one.face.box) for one in tracklet.sightings]))


def _most_central(tracklet: Tracklet, size: tuple[int, int]) -> float:
    boxes = np.array([one.face.box for one in tracklet.sightings])
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    return -float(np.median(np.hypot(*(middles - np.array(size) / 2).T)))


def _longest(tracklet: Tracklet, size: tuple[int, int]) -> float:
    return float(tracklet.last.number - tracklet.sightings[0].number)


CHOICES: Mapping[str, Callable[[Tracklet, tuple[int, int]], float]] = {
    "largest": _largest,
    "most-central": _most_central,
    "longest-track": _longest,
}
"""Name -> the value of a tracklet in frames of a size (width, height); the highest ranks first, and of equal
ones the largest."""


def followed(
    looks: Sequence[Look], reach: int, choose: str, size: tuple[int, int], strays: bool = True
) -> list[Sighting]:
    """One face at most in each look: that of the tracklet which ranks first among those that cover the look.

    Without `strays`, faces of short tracklets count only where they continue a long one.
    """
    found = tracklets(looks, reach)
    value = CHOICES[choose]
    ranked = sorted(
        found, key=lambda one: (len(one.sightings) < STRAY, -value(one, size), -_largest(one, size))
    )
    own = [_own(one, ranked[:rank]) for rank, one in enumerate(ranked)]
    solid = [s for one, left in zip(ranked, own, strict=True) for s in left if len(one.sightings) >= STRAY]
    every = sorted((s for left in own for s in left), key=_number)
    return every if strays or not solid else _continuing(every, sorted(solid, key=_number))


def _own(tracklet: Tracklet, before: Sequence[Tracklet]) -> list[Sighting]:
    """The sightings at times that no tracklet of a better rank covers."""
    return [one for one in tracklet.sightings if not any(other.covers(one.number) for other in before)]


def _continuing(every: Sequence[Sighting], solid: Sequence[Sighting]) -> list[Sighting]:
    """Those sightings that are solid, or overlap the solid one that is nearest in time."""
    numbers = np.array([one.number for one in solid])
    nearest = (solid[int(np.abs(numbers - one.number).argmin())] for one in every)
    return [one for one, near in zip(every, nearest, strict=True) if _same(one, near)]


def jumps(sightings: Sequence[Sighting]) -> list[int]:
    """The positions in the list at which another face is followed, or the same one elsewhere."""
    return [i for i in range(1, len(sightings)) if not _same(sightings[i - 1], sightings[i])]


def _same(one: Sighting, other: Sighting) -> bool:
    return one is other or overlap(one.face.box, other.face.box) >= SAME


def _number(sighting: Sighting) -> int:
    return sighting.number
