"""Folds for videos that come without any: a rule that anybody can follow, marked as one's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from dferbench import DataError
from dferbench.data.official import blocks, shown
from dferbench_datasets.local.classes import name_of
from dferbench_datasets.local.entry import ListedVideo, Parts
from dferbench_datasets.local.ids import natural_order


def own_folds(entries: Sequence[ListedVideo], folds: int) -> Parts:
    """Folds 1..folds. Without groups: each class's videos in natural order of their paths, cut into blocks.

    With groups: the largest first, each to the fold that has the fewest videos so far. Raises DataError if
    there are fewer videos or groups than folds.
    """
    groups = Counter(entry.group for entry in entries if entry.group)
    count, what = (len(groups), "groups") if groups else (len(entries), "videos")
    if count < folds:
        enough = f"Ask for fewer: folds={count}." if count > 1 else f"There must be at least two {what}."
        named = what if count != 1 else what.removesuffix("s")
        raise DataError(f"{count} {named} cannot make {folds} folds", enough)
    if groups:
        fold_of = _place_groups(groups, folds)
        return in_turn(entries, [fold_of[entry.group] for entry in entries])
    placed = blocks([(e.video, name_of(e.label)) for e in entries], folds, natural_order)
    return in_turn(entries, [placed[entry.video] for entry in entries])


def _place_groups(groups: Mapping[str, int], folds: int) -> dict[str, int]:
    sizes, placed = dict.fromkeys(range(1, folds + 1), 0), {}
    for group in sorted(groups, key=lambda g: (-groups[g], natural_order(g))):
        fold = min(sizes, key=lambda f: (sizes[f], f))
        placed[group], sizes[fold] = fold, sizes[fold] + groups[group]
    return placed


def in_turn(entries: Sequence[ListedVideo], fold_of: Sequence[int]) -> Parts:
    """Each fold tests the entries that it was given and trains on the others."""
    pairs = list(zip(entries, fold_of, strict=True))
    return {
        (fold, split): [entry for entry, own in pairs if (own == fold) == (split == "test")]
        for fold in sorted(set(fold_of))
        for split in ("train", "test")
    }


def require_apart(entries: Sequence[ListedVideo], sides: Sequence[object]) -> None:
    """Raise DataError that names file and line if a group is on two sides of a stated split."""
    side_of: dict[str, object] = {}
    for entry, side in zip(entries, sides, strict=True):
        if entry.group and side_of.setdefault(entry.group, side) != side:
            raise DataError(
                f"{entry.where}: the group {shown(entry.group)} is in {side} and in {side_of[entry.group]}",
                "A group, such as a person, may be on one side only.",
            )
