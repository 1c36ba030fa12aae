"""What a checkpoint was trained on, as its header states it, and which folds that leaves for testing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from dferbench.checkpoints.format import Header, TrainedOn
from dferbench.errors import ConfigError, UnknownName
from dferbench.registry.catalog import Catalog
from dferbench.registry.datasets import make_dataset

UNKNOWN = "unknown training data"
"""The caveat of a checkpoint that does not say what it was trained on: it may have seen the test videos."""
_FOLD = re.compile(r"(.+?):folds?=(.*)")


def read_trained_on(texts: Sequence[str], catalog: Catalog) -> list[TrainedOn]:
    """What texts such as `dfew:fold=1` state: trained on the training part of that fold.

    A dataset of one fold may go without it, and `fold=all` says all of them. Raises UnknownName for a
    dataset or fold that is not there, and ConfigError where the fold is not said.
    """
    found = [one for text in texts for one in _one(text, catalog)]
    return list(dict.fromkeys(found))


def _one(text: str, catalog: Catalog) -> list[TrainedOn]:
    match = _FOLD.fullmatch(text)
    chosen = make_dataset(match[1] if match else text, catalog)
    name, folds = chosen.entry.name, tuple(chosen.dataset.folds)
    said = match[2] if match else ""
    if not said and len(folds) > 1:
        raise ConfigError(
            f"'{text}' does not say which fold of {name} was trained on, out of {_words(folds)}",
            f"Add it: --trained-on {name}:fold={folds[0]}; repeat the option for several.",
        )
    wanted = map(str, folds) if said in ("", "all") else said.split(",")
    numbers = {str(fold): fold for fold in folds}
    for fold in (wanted := list(wanted)):
        if fold not in numbers:
            raise UnknownName(f"fold of {name}", fold, numbers)
    return [TrainedOn(dataset=name, fold=numbers[fold]) for fold in wanted]


def unseen_folds(
    header: Header, dataset: str, asked: Sequence[int] | None, path: Path
) -> Sequence[int] | None:
    """The folds to test on: those `asked` for, unless the model was trained on this dataset.

    Then it has seen the test videos of all folds but the one whose training part it was trained on. Raises
    ConfigError where folds are asked for whose test videos it has seen, or where it has seen all of them.
    """
    known = sorted({one.fold for one in header.seen if one.dataset == dataset})
    if not known:
        return asked
    if len(known) > 1:
        raise ConfigError(
            f"{path} was trained on the folds {_words(known)} of {dataset}, and has seen the test videos of "
            "each of its folds",
            "Test it on another dataset.",
        )
    (own,) = known
    if asked is not None and tuple(asked) != (own,):
        raise ConfigError(
            f"{path} was trained on fold {own} of this dataset, and has seen test videos of other folds",
            f"Use --fold {own}, or leave it out.",
        )
    return (own,)


def _words(folds: Sequence[int]) -> str:
    return " and ".join(filter(None, [", ".join(map(str, folds[:-1])), str(folds[-1])]))
