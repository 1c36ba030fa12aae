"""MAFW's compound set: the eleven expressions and 32 mixtures of two or three of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from dferbench import Finding
from dferbench.data.official import MAFW_ORDER, Folds, by_rule, canonical, nothing_found
from dferbench_datasets.mafw.figures import COMPOUND_PROTOCOL, COMPOUND_SIZES, COMPOUNDS, SINGLES
from dferbench_datasets.mafw.mafw import LISTS, PLAIN, Mafw


class MafwCompound(Mafw):
    """MAFW's compound set: 8,996 clips, 43 classes, five folds; options as those of mafw.

    The classes are the eleven in the order of mafw, then the compound ones by name. A label of a list may
    name its parts in any order.
    """

    classes = COMPOUND_PROTOCOL.classes
    protocol = COMPOUND_PROTOCOL
    about = "8,996 clips of MAFW: eleven expressions and 32 mixtures of them, five folds"
    layouts = ("faces", "frames", "clips", "renamed")
    task = "compound"
    # No description of a mixture is part of dferbench.
    defaults: ClassVar[Mapping[str, Any]] = {"text": "expression"}
    facts: ClassVar[Mapping[str, str]] = {
        **Mafw.facts,
        "protocol": "43 classes, 5 folds by id within each class, tested in turn; no validation part; the "
        "22 rarest classes of mixtures have about 41 clips each in all",
        "download": "as mafw, and 'Train & Test Set'/compound: which clips belong to this set is in its "
        "lists alone",
        "put": "as mafw, with <root>/Train & Test Set/compound/no_caption/set_1/train.txt",
    }

    def name_of(self, word: str) -> str | None:
        """`anger_disgust` for that and for `Disgust_Anger`."""
        parts = [canonical(part) for part in word.split("_")]
        known = [part for part in parts if part is not None]
        if len(known) != len(parts) or len(set(known)) != len(known):
            return None
        return "_".join(sorted(known, key=MAFW_ORDER.index))

    def agrees(self, root: Path) -> bool:
        """Whether the lists have the official sizes and follow the official rule: no hashes are known."""
        return super().agrees(root) and self._follows_rule(root)

    def _follows_rule(self, root: Path) -> bool:
        folds = self.copy(root).folds
        return folds == by_rule({**folds[1]["train"], **folds[1]["test"]})

    def findings(self, root: Path) -> Iterable[Finding]:
        """Beyond mafw's: whether the lists follow the rule that the official ones follow."""
        yield from super().findings(root)
        if not self._follows_rule(root):
            hint = "The official test parts are blocks of ascending ids within each class."
            yield Finding("warning", "the folds do not follow the official rule", hint)

    def rebuilt(self, root: Path, top: Path) -> tuple[Folds, str, str]:
        """Raises DataError: 176 single-labelled clips are not in this set, and only the lists say which."""
        raise nothing_found(top, f"{LISTS}/{self.task}/{PLAIN[0]}", self.where)

    def drawn_totals(self) -> Mapping[str, int]:
        """Class names to numbers of clips; those that are not known share what is left equally."""
        multiple = 4058
        single = sum(COMPOUND_SIZES[1]) - multiple
        return {**_filled(SINGLES, single), **_filled(COMPOUNDS, multiple)}


def _filled(counts: Mapping[str, int | None], total: int) -> dict[str, int]:
    known = [count for count in counts.values() if count is not None]
    share = (total - sum(known)) // (len(counts) - len(known))
    return {name: share if count is None else count for name, count in counts.items()}
