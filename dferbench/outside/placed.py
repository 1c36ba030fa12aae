"""The rows of a file laid against the test videos of a fold: every video once, what is missing counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dferbench.errors import DataError, UnknownName
from dferbench.experiment.counts import top2_hits
from dferbench.outside.ids import Matched, named
from dferbench.outside.scores import NONE, Stated
from dferbench.types import Video

MISSING = ("refuse", "wrong")
"""What is to become of test videos without a prediction: an error, or a wrong answer."""
NEVER = -1e9
"""The logit of a class that a video cannot have."""


@dataclass(frozen=True)
class Placed:
    """The test videos of a fold in the dataset's order: `labels` (N,) in [0, C), `logits` (N, C), or
    (N, C + 1) where some have no answer, which stands for a class behind the others; how many have none, and
    which the file does not have; and whether the logits are scores, of which there are second guesses."""

    ids: Sequence[str]
    labels: NDArray[np.int64]
    logits: NDArray[np.float64]
    silent: int
    absent: Sequence[str]
    scored: bool

    def confusion(self) -> list[list[int]]:
        """Counts of videos, rows are the truth; ties go to the earlier class."""
        size = self.logits.shape[1]
        counts = np.zeros((size, size), dtype=np.int64)
        np.add.at(counts, (self.labels, self.logits.argmax(1)), 1)
        found: list[list[int]] = counts.tolist()
        return found

    def top2(self) -> int | None:
        """How many videos have their class among the two with the highest scores; None where not all have."""
        return top2_hits(self.logits, self.labels) if self.scored and not self.silent else None


def once(matched: Matched, said: Stated, path: Path) -> tuple[dict[str, int], int]:
    """The row of each video, and how many rows merely repeat another one of their video.

    Raises DataError if two rows of a video say different things.
    """
    rows: dict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(matched.ids):
        if name is not None:
            rows[name].append(row)
    unlike = [name for name, mine in rows.items() if len(mine) > 1 and not _alike(said, mine)]
    if unlike:
        raise DataError(
            f"{path}: {len(unlike)} videos have several rows that say different things: {named(unlike)}",
            "Keep one row a video.",
        )
    return {name: mine[0] for name, mine in rows.items()}, sum(len(mine) - 1 for mine in rows.values())


def _alike(said: Stated, rows: Sequence[int]) -> bool:
    if said.logits is not None:
        return bool((said.logits[rows] == said.logits[rows[0]]).all())
    return bool((said.labels[rows] == said.labels[rows[0]]).all())


def place(videos: Sequence[Video], row_of: Mapping[str, int], said: Stated, classes: int) -> Placed:
    """What a file says of each test video; one without a row, or with an empty one, is absent."""
    rows = np.array([row_of.get(video.id, NONE) for video in videos], dtype=np.int64)
    chosen = np.where(rows == NONE, NONE, said.labels[rows])
    silent = chosen == NONE
    labels = np.array([video.label for video in videos], dtype=np.int64)
    if said.logits is None:
        logits = np.zeros((len(videos), classes))
        logits[np.flatnonzero(~silent), chosen[~silent]] = 1.0
    else:
        logits = said.logits[rows]
    logits[silent] = NEVER
    ids = [video.id for video in videos]
    gone = (rows == NONE) if said.kind == "answers" else silent
    absent = [ids[place] for place in np.flatnonzero(gone).tolist()]
    return Placed(ids, labels, logits, int(silent.sum()), absent, said.logits is not None)


def with_no_answer(one: Placed) -> Placed:
    """The same with a class behind the others, which stands for no answer."""
    silent = (one.logits == NEVER).all(1)
    last = np.where(silent, 0.0, NEVER)[:, None]
    return replace(one, logits=np.hstack([one.logits, last]))


def require_answers(placed: Mapping[int, Placed], path: Path) -> None:
    """Raise DataError that counts and names the test videos that the file does not have."""
    for fold, one in placed.items():
        if one.absent:
            raise DataError(
                f"{path}: {len(one.absent)} of {len(one.ids)} test videos of fold {fold} have no prediction: "
                f"{named(one.absent)}",
                "Add them, or count them as wrong: --missing wrong.",
            )


def require_missing(text: str) -> None:
    """Raise UnknownName for no word of MISSING."""
    if text not in MISSING:
        raise UnknownName("answer to --missing", text, MISSING)
