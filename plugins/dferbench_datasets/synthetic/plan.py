"""Which videos there are: their classes, people, folds and lengths. Light: no numpy, nothing is drawn."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

FOLDS = 5
FLOOR = 8
"""Even the rarest class has this many test videos per fold, where there are enough videos."""
VIDEOS_PER_PERSON = 4

# How often each class occurs in DFEW (7 classes) and MAFW (11): their imbalance is kept, above the floor.
_DFEW = {"happiness": 2445, "sadness": 1894, "neutral": 2669, "anger": 2173, "surprise": 1469, "disgust": 145,
         "fear": 902}  # fmt: skip
_MAFW = {"happiness": 1242, "sadness": 1470, "neutral": 1138, "anger": 1390, "surprise": 1072,
         "disgust": 639, "fear": 625, "contempt": 236, "anxiety": 916, "helplessness": 262,
         "disappointment": 182}  # fmt: skip
COUNTS: Mapping[int, Mapping[str, int]] = {7: _DFEW, 11: _MAFW}


@dataclass(frozen=True)
class DrawingOptions:
    """What a user may choose; see `Synthetic`."""

    classes: int
    videos: int
    size: int
    seed: int
    intensity: float
    occlusion: float
    noise: float
    light: float


@dataclass(frozen=True)
class Item:
    """One video to be drawn: `label` indexes the classes, `fold` is the one that tests on it."""

    id: str
    label: int
    person: int
    fold: int
    frames: int


def shares(counts: Mapping[str, int], videos: int) -> list[int]:
    """`videos` shared out over classes as `counts` are, by largest remainder, above a common floor."""
    floor = min(FLOOR, videos // len(counts))
    rest = videos - floor * len(counts)
    exact = [rest * count / sum(counts.values()) for count in counts.values()]
    whole = [int(x) for x in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: whole[i] - exact[i])
    for i in by_remainder[: rest - sum(whole)]:
        whole[i] += 1
    return [floor + n for n in whole]


def length(rng: random.Random) -> int:
    """How many frames a video has.

    One in ten is shorter than the 16 frames that methods take. The others lie just above a multiple of 16,
    because the usual training sampler never looks at the frames beyond the last whole multiple.
    """
    if rng.random() < 0.1:
        return rng.randint(10, 15)
    return 16 * rng.choice((2, 2, 3)) + rng.randint(0, 4)


def plan(classes: int, videos: int, seed: int) -> list[Item]:
    """Every video of a dataset, in the order of its id. People are split over folds, so no face is in two."""
    items: list[Item] = []
    for fold in range(1, FOLDS + 1):
        rng = random.Random(f"dferbench-synthetic plan {classes} {videos} {seed} {fold}")
        here = videos // FOLDS + (fold <= videos % FOLDS)
        labels = [label for label, n in enumerate(shares(COUNTS[classes], here)) for _ in range(n)]
        rng.shuffle(labels)
        people = max(1, here // VIDEOS_PER_PERSON)
        for i, label in enumerate(labels):
            person = FOLDS * (i % people) + fold - 1
            items.append(Item(f"{len(items):05d}", label, person, fold, length(rng)))
    return items
