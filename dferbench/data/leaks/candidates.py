"""Which videos could be copies of one another, found in about linear time.

Comparing all pairs of 40,000 videos is 800 million comparisons. Instead each of `TABLES` tables puts videos
into buckets by `KEY` bits, drawn from all frames' hashes, and those that meet in a bucket are compared
(P. Indyk and R. Motwani, Approximate Nearest Neighbors, STOC 1998: bit sampling). Copies of which one bit in
twelve differs meet with a probability of 1 - (1 - (11/12)^KEY)^TABLES = 0.99, others hardly ever.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

TABLES, KEY = 48, 24
CROWD = 50
"""So many of one bucket are compared with all of it: a hundred copies of one video are found, but a thousand
make no million pairs."""


def candidates(bits: Sequence[NDArray[np.bool_]]) -> Iterator[tuple[int, int]]:
    """Pairs of places, the smaller first, each once."""
    if not len(bits):
        return
    seen: set[tuple[int, int]] = set()
    whole, rng = np.stack(bits), np.random.default_rng(0)
    for _ in range(TABLES):
        chosen = rng.choice(whole.shape[1], KEY, replace=False)
        for bucket in _buckets(np.packbits(whole[:, chosen], axis=1)):
            for pair in _pairs(bucket):
                if pair not in seen:
                    seen.add(pair)
                    yield pair


def _buckets(keys: NDArray[np.uint8]) -> list[list[int]]:
    found: dict[bytes, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        found[key.tobytes()].append(place)
    return [bucket for bucket in found.values() if len(bucket) > 1]


def _pairs(bucket: Sequence[int]) -> Iterator[tuple[int, int]]:
    yield from combinations(bucket[:CROWD], 2)
    yield from ((first, other) for other in bucket[CROWD:] for first in bucket[:CROWD])
