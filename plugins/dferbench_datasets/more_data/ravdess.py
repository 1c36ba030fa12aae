"""RAVDESS: acted speech, whose file names are codes of everything."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

from dferbench import Finding, UnknownName
from dferbench.data import Paint, Progress
from dferbench.data.official import OWN, RULE, Copy, Part, Protocol, Release, index, nothing_found, only
from dferbench_datasets.more_data.actors import by_actor, fold_of, groups_of, require_folds
from dferbench_datasets.more_data.figures_ravdess import ACTORS, CODES, EIGHT, FOLDS, LAYOUTS, MODALITIES

_NAME = re.compile(r"(0[12])-(01)-(0[1-8])-0[12]-0[12]-0[12]-(0[1-9]|1\d|2[0-4])")


def _each(actors: int) -> tuple[int, ...]:
    """Takes of each class by so many actors: 4 neutral, which has no strong form, 8 of every other."""
    return tuple(actors * (4 if name == "neutral" else 8) for name in EIGHT)


def protocol(folds: int) -> Protocol:
    """The figures of folds by actor."""
    sizes = Counter(fold_of(actor, ACTORS, folds) for actor in range(1, ACTORS + 1))
    parts = {}
    for fold, actors in sizes.items():
        parts[fold, "train"], parts[fold, "test"] = Part(_each(ACTORS - actors)), Part(_each(actors))
    return Protocol(EIGHT, parts)


class Ravdess(Release):
    """RAVDESS's 1,440 spoken takes of 24 actors, eight classes; songs are left out.

    Calm is a class of its own, the eighth, and not put under neutral. Each take exists with and without
    sound: `modality` "video" uses the files that begin with 02, "audio-video" those with 01, "auto" the
    first of them that is there, never both. There is no official split: `folds` are blocks of actors in
    order, 6 as usual.
    """

    classes = EIGHT
    about = "1,440 spoken takes of 24 actors, eight emotions; folds by actor; songs left out"
    where = (
        "Unpack Video_Speech_Actor_01.zip to _24.zip, and name the folder that holds Actor_01 to Actor_24."
    )
    layouts = LAYOUTS
    facts: ClassVar[Mapping[str, str]] = {
        "paper": "Livingstone and Russo, The Ryerson Audio-Visual Database of Emotional Speech and Song, "
        "PLoS ONE 2018",
        "protocol": "none is official; usual are 6 folds of 4 actors, one modality, speech alone; eight "
        "classes, calm next to neutral",
        "licence": "CC BY-NC-SA 4.0",
        "download": "Video_Speech_Actor_01.zip to Video_Speech_Actor_24.zip from Zenodo",
        "put": "<root>/Actor_01/02-01-03-01-01-01-01.mp4, ..., or face folders of the same names",
    }

    def __init__(self, modality: str = "auto", folds: int = FOLDS) -> None:
        super().__init__()
        require_folds("ravdess", folds, ACTORS)
        if modality not in ("auto", *MODALITIES):
            raise UnknownName("modality of ravdess", modality, ("auto", *MODALITIES))
        self.modality, self.folds = modality, tuple(range(1, folds + 1))
        self.protocol = protocol(folds)

    def read(self, root: Path) -> Copy:
        """The takes of one modality, whose names parse. Raises DataError."""
        known = index(root, lambda name: name if _NAME.fullmatch(name) else None, depth=4)
        wanted = list(MODALITIES) if self.modality == "auto" else [self.modality]
        used = next((m for m in wanted if any(name.startswith(MODALITIES[m]) for name in known)), None)
        if used is None:
            raise nothing_found(root, f"takes named as {MODALITIES[wanted[0]]}-01-03-01-01-01-01", self.where)
        takes = {name: paths for name, paths in known.items() if name.startswith(MODALITIES[used])}
        said = {name: match for name in takes if (match := _NAME.fullmatch(name))}
        labels = {name: CODES[match[3]] for name, match in said.items()}
        actors = {name: int(match[4]) for name, match in said.items()}
        folds = by_actor(labels, actors, ACTORS, len(self.folds))
        others = {"takes in another modality": len(known) - len(takes)}
        split = RULE if len(self.folds) == FOLDS else OWN
        found, groups = only(takes, "take"), groups_of(actors)
        return Copy(folds, found, root, used, "file names", split, others, groups=groups)

    def official(self, root: Path) -> bool:
        """Never: there is no official split."""
        return False

    def findings(self, root: Path) -> Iterable[Finding]:
        """The figures that 24 actors give, and which modality is used where both are there."""
        yield from super().findings(root)
        copy = self.copy(root)
        if copy.facts["takes in another modality"]:
            yield Finding(
                "warning",
                f"every take may be there twice, with and without sound: {copy.variant} is used",
                "Say which: ravdess(modality=video) or ravdess(modality=audio-video).",
            )

    def make(self, root: Path, layout: str, scale: float, paint: Paint, progress: Progress) -> None:
        """Write drawn takes. Raises UnknownName for an unknown layout."""
        from dferbench_datasets.more_data.make_acted import make_ravdess

        make_ravdess(root, layout, scale, paint, progress)
