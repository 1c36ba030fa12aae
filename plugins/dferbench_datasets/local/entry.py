"""What a list, a table or a tree says about one video, before anything is looked up on the disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ListedVideo:
    """A video as it is written down, its label likewise, where that stands, and what else is said of it.

    `frames` is the number of frames that a list states; `group` is what may never be on both sides of a
    split, such as a person.
    """

    video: str
    label: str
    where: str
    frames: int | None = None
    group: str = ""


Parts = Mapping[tuple[int, str], Sequence[ListedVideo]]
"""(fold, "train" or "test") to what stands there."""


def firsts(entries: Iterable[ListedVideo], key: Callable[[ListedVideo], str]) -> dict[str, ListedVideo]:
    """The first entry of each key."""
    found: dict[str, ListedVideo] = {}
    for entry in entries:
        found.setdefault(key(entry), entry)
    return found
