"""The classes that a model and a dataset share, and the part of a dataset that shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dferbench.data.official.labels import canonical
from dferbench.progress import Progress
from dferbench.types import Dataset, Finding, Video

SHARED = "shared classes"
"""The caveat of a test on some of a dataset's classes: those that the model knows."""
LEFT_OUT = "classes without counterpart"
"""The note of a record that names the others, whose videos were not tested."""


def matched(wanted: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    """Per class of `wanted`, in its order, the one of `known` that it is, for those that there are.

    Names decide: the same one, or else another word for the same expression, such as happy for happiness
    (`dferbench.data.official.labels`), where each side has only one that is left.
    """
    found = {name: name for name in wanted if name in known}
    ours, theirs = (_by_meaning([n for n in names if n not in found]) for names in (wanted, known))
    for meaning in ours.keys() & theirs.keys():
        if len(ours[meaning]) == len(theirs[meaning]) == 1:
            found[ours[meaning][0]] = theirs[meaning][0]
    return {name: found[name] for name in wanted if name in found}


def _by_meaning(names: Sequence[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        if meaning := canonical(name):
            groups.setdefault(meaning, []).append(name)
    return groups


class SharedClasses(Dataset):
    """The videos of some classes of a dataset, in the same folds and splits."""

    def __init__(self, inner: Dataset, classes: Sequence[str]) -> None:
        self._inner = inner
        self.classes, self.folds = tuple(classes), tuple(inner.folds)
        self.about, self.where, self.synthetic = inner.about, inner.where, inner.synthetic
        self._labels = {label: self.classes.index(c) for label, c in enumerate(inner.classes) if c in classes}

    def prepare(self, root: Path, progress: Progress) -> None:
        """As the whole dataset does."""
        self._inner.prepare(root, progress)

    def videos(self, root: Path, fold: int, split: str) -> Sequence[Video]:
        """Those of the classes, labelled by their places among them."""
        found = self._inner.videos(root, fold, split)
        return [replace(v, label=self._labels[v.label]) for v in found if v.label in self._labels]

    def notes(self, root: Path) -> Mapping[str, Any]:
        """Those of the whole dataset, and which classes are left out."""
        notes = self._inner.notes(root)
        gone = [name for name in self._inner.classes if name not in self.classes]
        return {**notes, LEFT_OUT: gone, "caveats": [*notes.get("caveats", []), SHARED]}

    def findings(self, root: Path) -> Iterable[Finding]:
        """As of the whole dataset."""
        return self._inner.findings(root)
