"""Folds by actor, for datasets of named actors that come without a split."""

from __future__ import annotations

from collections.abc import Mapping

from dferbench import ConfigError
from dferbench.data.official import Folds, in_turn


def fold_of(actor: int, actors: int, folds: int) -> int:
    """The fold 1..folds in which actor 1..actors is tested: blocks in order, cut at the whole part of i*n/k.

    For 91 actors and 5 folds: 1-18, 19-36, 37-54, 55-72, 73-91.
    """
    return next(fold for fold in range(1, folds + 1) if actor <= fold * actors // folds)


def by_actor(labels: Mapping[str, str], actor_of: Mapping[str, int], actors: int, folds: int) -> Folds:
    """Folds in which nobody is on both sides. Raises ConfigError for a number of folds that cannot be."""
    return in_turn(labels, {name: fold_of(actor_of[name], actors, folds) for name in labels}, folds)


def groups_of(actor_of: Mapping[str, int]) -> dict[str, str]:
    """What `Video.group` says of each clip: who is seen."""
    return {name: f"actor {actor}" for name, actor in actor_of.items()}


def require_folds(name: str, folds: int, actors: int) -> None:
    """Raise ConfigError for a number of folds that so many actors cannot make."""
    if not 2 <= folds <= actors:
        raise ConfigError(f"{name}: folds cannot be {folds}", f"Wanted: from 2 to {actors}, its actors.")
