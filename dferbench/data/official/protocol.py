"""What an official protocol holds: how many videos of each class in each part, and the hash of each list."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

Rows = Mapping[str, str]
"""Ids to class names: one part of one fold."""
Folds = Mapping[int, Mapping[str, Rows]]
"""Fold numbers to "train" and "test" to rows."""


def list_hash(rows: Rows) -> str:
    """The first 16 hex digits of the SHA-256 over the sorted lines `id,class`, LF between them."""
    lines = sorted(f"{name},{label}" for name, label in rows.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Part:
    """The official figures of one list: videos of each class, in the protocol's order, and the hash.

    Where the counts are not known, they are () and `size` is the number of all videos.
    """

    counts: tuple[int, ...] = ()
    hash: str = ""
    size: int = 0

    @property
    def videos(self) -> int:
        """How many videos the list has."""
        return sum(self.counts) or self.size


@dataclass(frozen=True)
class Protocol:
    """Classes in order, and the figures of every (fold, split)."""

    classes: tuple[str, ...]
    parts: Mapping[tuple[int, str], Part] = field(default_factory=dict)

    def counts(self, fold: int, split: str) -> dict[str, int]:
        """Class names to the official number of videos."""
        return dict(zip(self.classes, self.parts[fold, split].counts, strict=True))

    def totals(self) -> dict[str, int]:
        """Class names to the number of videos of the whole set: train and test of the first fold."""
        first = min(fold for fold, _ in self.parts)
        train, test = self.counts(first, "train"), self.counts(first, "test")
        return {name: train[name] + test[name] for name in self.classes}

    def candidates(self, fold: int, split: str) -> list[dict[str, int]]:
        """The class counts that a list for this place may have: the part's, or the whole set's, if known."""
        if not self.parts or not self.parts[fold, split].counts:
            return []
        return [self.counts(fold, split), self.totals()]

    def agrees(self, fold: int, split: str, rows: Rows) -> bool:
        """Whether a list is the official one: by its hash, else its counts, else its size."""
        part = self.parts[fold, split]
        if part.hash:
            return list_hash(rows) == part.hash
        if not part.counts:
            return len(rows) == part.size
        return tally(rows, self.classes) == part.counts


def tally(rows: Rows, classes: tuple[str, ...]) -> tuple[int, ...]:
    """How many rows each class has, in the order of `classes`."""
    found = Counter(rows.values())
    return tuple(found[name] for name in classes)
