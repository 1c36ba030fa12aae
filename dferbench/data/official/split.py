"""The rules by which published folds follow from ids and labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from dferbench.data.official.protocol import Folds


def blocks(
    rows: Iterable[tuple[str, str]], folds: int = 5, order: Callable[[str], Any] = int
) -> dict[str, int]:
    """Ids to test folds 1..folds, from (id, class): each class's ids in ascending order, cut into blocks.

    The first `n mod folds` blocks of a class get one more, as `numpy.array_split` cuts. Every row of the
    published five-fold lists of this field agrees with this rule. Ids are compared by `order`: as numbers.
    """
    members: dict[str, list[str]] = defaultdict(list)
    for name, label in rows:
        members[label].append(name)
    placed: dict[str, int] = {}
    for names in members.values():
        names.sort(key=order)
        whole, more = divmod(len(names), folds)
        sizes = [whole + (fold < more) for fold in range(folds)]
        numbers = [fold for fold, size in enumerate(sizes, 1) for _ in range(size)]
        placed.update(zip(names, numbers, strict=True))
    return placed


def by_rule(labels: Mapping[str, str], folds: int = 5) -> Folds:
    """The folds that ids and class names give: the blocks of fold k are its test part, the rest trains."""
    return in_turn(labels, blocks(labels.items(), folds), folds)


def in_turn(labels: Mapping[str, str], fold_of: Mapping[str, int], folds: int) -> Folds:
    """Folds 1..folds: each tests what `fold_of` gives it and trains on the rest."""
    return {
        fold: {
            "train": {name: label for name, label in labels.items() if fold_of[name] != fold},
            "test": {name: label for name, label in labels.items() if fold_of[name] == fold},
        }
        for fold in range(1, folds + 1)
    }
