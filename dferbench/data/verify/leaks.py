"""What training knows of test videos, as findings: near copies, and other videos of the same source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dferbench.data.leaks.find import Pairs, copies, shared_sources
from dferbench.data.verify.lists import SplitVideos
from dferbench.types import Finding

LISTS = "dferbench data leaks lists them; leaderboard and table --without FILE show both numbers."


def copied(parts: Sequence[SplitVideos], pairs: Pairs) -> Iterator[Finding]:
    """Test videos of which a fold trains on a copy in another size, compression or brightness."""
    found = tuple(f"{one.id} = {one.like} (fold {one.fold}, {one.likeness})" for one in copies(parts, pairs))
    if found:
        yield Finding("warning", "test videos of which training has a copy", LISTS, found)


def sources(parts: Sequence[SplitVideos]) -> Iterator[Finding]:
    """Test videos of a source that a fold trains on: usual in official splits, and worth knowing."""
    found = tuple(f"{one.id}: {one.source} (fold {one.fold})" for one in shared_sources(parts))
    if found:
        yield Finding("info", "test videos whose source training knows by other videos", LISTS, found)
