"""Annotators' votes as the targets of training, in place of the single label that most of them gave.

`--set targets=votes`: the loss of a training video is its cross-entropy against the shares of the votes.
Tests stay what they are. Peterson et al., "Human uncertainty makes classification more robust" (ICCV 2019).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dferbench.errors import ConfigError, DataError, UnknownName
from dferbench.types import Dataset, Recipe, Video

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dferbench.experiment.plan import Plan, Split

VOTES = "votes"
TARGETS = ("labels", VOTES)
"""What training may aim at."""


@dataclass(frozen=True)
class SoftTargets:
    """The targets of N training videos, (N, C) float32 whose rows sum to 1, and how many come from votes; the
    others have their label alone."""

    shares: NDArray[np.float32]
    voted: int

    @property
    def facts(self) -> dict[str, Any]:
        """What the record says of them."""
        sha256 = hashlib.sha256(self.shares.tobytes()).hexdigest()
        return {"videos": self.voted, "by label": len(self.shares) - self.voted, "sha256": sha256}

    def __str__(self) -> str:
        alone = len(self.shares) - self.voted
        rest = f"; {alone} without votes have their label alone" if alone else ""
        return f"targets are the votes on {self.voted} training videos{rest}"


def check_targets(recipe: Recipe, dataset: Dataset, name: str) -> None:
    """Raise UnknownName for targets that there are not, and ConfigError for votes that no dataset gives or no
    epoch would use."""
    if recipe.targets not in TARGETS:
        raise UnknownName("kind of targets", recipe.targets, TARGETS)
    if recipe.targets != VOTES:
        return
    if not any(stage.epochs for stage in recipe.stages):
        raise ConfigError("this method trains for no epoch, and targets=votes is for training", _LEAVE)
    if type(dataset).votes is Dataset.votes:
        raise ConfigError(f"{name} has no annotators' votes to train on", _LEAVE)


_LEAVE = "Leave targets=votes out."


def votes_for(plan: Plan) -> Mapping[str, Sequence[float]]:
    """The votes that a plan trains on, by video; empty if it trains on labels.

    Raises ConfigError for a copy that has none, and DataError for votes that cannot be read.
    """
    if plan.recipe.targets != VOTES:
        return {}
    votes = plan.dataset.votes(plan.root)
    if not votes:
        raise ConfigError(f"{plan.task.dataset} at {plan.root} has no annotators' votes to train on", _LEAVE)
    return votes


def with_votes(plan: Plan, split: Split) -> Split:
    """A fold with the targets of its training videos, if the plan trains on votes. Raises as `votes_for`, and
    DataError as `shares_of`."""
    votes = votes_for(plan)
    return replace(split, targets=shares_of(split.train, votes, len(plan.task.classes))) if votes else split


def shares_of(videos: Sequence[Video], votes: Mapping[str, Sequence[float]], classes: int) -> SoftTargets:
    """The votes on each video as shares; `votes` has a number for each of the classes, in their order.

    Raises DataError for votes that are not numbers from 0 on, one a class and some above 0, and if none is on
    one of the videos.
    """
    import numpy as np

    found = np.zeros((len(videos), classes), np.float32)
    for row, video in zip(found, videos, strict=True):
        if video.id in votes:
            row[:] = _share(video.id, votes[video.id], classes)
        else:
            row[video.label] = 1
    voted = sum(video.id in votes for video in videos)
    if not voted:
        raise DataError(f"none of the votes belongs to any of the {len(videos)} training videos", _LEAVE)
    return SoftTargets(found, voted)


def _share(name: str, votes: Sequence[float], classes: int) -> NDArray[np.float64]:
    import numpy as np

    given = np.asarray(votes, np.float64)
    if given.shape != (classes,) or not np.isfinite(given).all() or given.min() < 0 or not given.sum():
        raise DataError(
            f"the votes on '{name}' must be {classes} numbers from 0 on, not all 0, got {list(votes)}",
            "Fix the dataset's file of votes.",
        )
    share: NDArray[np.float64] = given / given.sum()
    return share
