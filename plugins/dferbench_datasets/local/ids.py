"""Names for videos and the order of names."""

from __future__ import annotations

import re
from collections.abc import Collection

from dferbench.data.official import VIDEOS

Path = tuple[str, ...]
"""The components of a path."""
_SUFFIX = re.compile("|".join(rf"\{suffix}$" for suffix in VIDEOS), re.IGNORECASE)
_DIGITS = re.compile(r"([0-9]+)")


def shortest_unique(paths: Collection[Path]) -> dict[Path, str]:
    """An id for each of some different paths: as few of its last components as tell all of them apart.

    Where that does, ids have no suffix of a video file. Keys such as `NNNN` and `Scene/Emotion/NNNN` come out
    by themselves, and equal base names never merge.
    """
    bare = {path: (*path[:-1], _SUFFIX.sub("", path[-1])) for path in paths}
    for count in range(1, max(map(len, paths), default=0) + 1):
        ids = {path: "/".join(parts[-count:]) for path, parts in bare.items()}
        if len(set(ids.values())) == len(ids):
            return ids
    return {path: "/".join(path) for path in paths}


def natural_order(name: str) -> list[tuple[int, str]]:
    """A sort key under which video2 comes before video10."""
    pieces = _DIGITS.split(name)
    return [(int(piece), "") if i % 2 else (-1, piece) for i, piece in enumerate(pieces)]
