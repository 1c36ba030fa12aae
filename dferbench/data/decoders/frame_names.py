"""The order of a video's frames, from the names of their files alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_DIGITS = re.compile(r"([0-9]+)")
_DECIMAL = re.compile(r"([0-9]+)\.([0-9]+)")
_COPY = re.compile(r"(.+?)(?: ?\([0-9]+\)| - copy|[ _.-]?mask)", re.IGNORECASE)
"""What copies, and masks drawn for a frame, add to its name."""


def natural_order(name: str) -> list[tuple[int, str]]:
    """A sort key under which frame2 comes before frame10, and upper case does not matter."""
    pieces = _DIGITS.split(name.lower())
    return [(int(piece), "") if i % 2 else (-1, piece) for i, piece in enumerate(pieces)]


def in_order(names: Iterable[str]) -> list[str]:
    """Names of images in the order of their frames: natural order, or of their times in seconds.

    They are times if every name is a decimal number and they have not all as many decimals: 0.5 comes after
    0.25. Numbers as programs write them end in no zero, so 1.9 and 1.10 are parts and frames, not times.
    """
    kept = list(names)
    times = [_DECIMAL.fullmatch(stem(name)) for name in kept]
    found = [time for time in times if time]
    written = all(len(time[2]) == 1 or not time[2].endswith("0") for time in found)
    if len(found) == len(kept) and written and len({len(time[2]) for time in found}) > 1:
        return sorted(kept, key=lambda name: (float(stem(name)), name))
    return sorted(kept, key=lambda name: (natural_order(name), name))


def doubled(names: Sequence[str]) -> tuple[str, str] | None:
    """Two images that stand for one frame, if there are: 1.jpg and 1.png, 1 (1).jpg, 1_mask.png."""
    owners: dict[str, str] = {}
    for name in names:
        owner = owners.setdefault(stem(name).lower(), name)
        if owner != name:
            return owner, name
    for name in names:
        copy = _COPY.fullmatch(stem(name))
        original = owners.get(copy[1].lower()) if copy else None
        if original:
            return original, name
    return None


def stem(name: str) -> str:
    """A name without its ending."""
    return name.rpartition(".")[0]
