"""CAER: clips of television series in context, one split."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

from dferbench import Finding
from dferbench.data import Paint, Progress
from dferbench.data.official import (
    Copy,
    Protocol,
    Release,
    canonical,
    descend,
    entries,
    exceeds,
    index,
    nothing_found,
    only,
    tally,
)
from dferbench_datasets.more_data.figures_caer import COUNTS, LAYOUTS, SEVEN

FOLDERS = ("train", "validation", "test")
PAPER, LISTED = 13_201, 13_175
"""Clips by the paper, and in the lists that others work with."""


class Caer(Release):
    """CAER's clips: trained on train, tested on test; seven classes. Ids are `split/Class/NNNN`.

    `validation` adds the validation part to the training; otherwise it is left out.
    """

    classes = SEVEN
    protocol = Protocol(SEVEN)
    about = "13,201 clips of 79 television series, seven expressions; whole scenes, one split"
    where = (
        "Its authors give it out (dferbench data info caer); name the folder with train, validation and test."
    )
    layouts = LAYOUTS
    facts: ClassVar[Mapping[str, str]] = {
        "paper": "Lee et al., Context-Aware Emotion Recognition Networks, ICCV 2019",
        "protocol": "train to test; validation is left out, or trained on with caer(validation=true)",
        "licence": "research only",
        "apply": "through caer-dataset.github.io",
        "download": "CAER, the videos; CAER-S holds still images and is another benchmark",
        "put": "<root>/train/Anger/0001.avi, <root>/validation/..., <root>/test/...; or face folders of "
        "the same names",
    }

    def __init__(self, validation: bool = False) -> None:
        super().__init__()
        self.validation = validation

    def read(self, root: Path) -> Copy:
        """The split and the labels are folders. Raises DataError."""
        top = descend(root, lambda name: name.lower() in FOLDERS)
        inside = {entry.name.lower(): Path(entry.path) for entry in entries(top) if entry.is_dir()}
        for name in FOLDERS:
            if name not in inside and (name != "validation" or self.validation):
                raise nothing_found(top, f"the folder {name}", self.where)
        found = {name: _clips(inside[name], name) for name in FOLDERS if name in inside}
        sides = {"train": ["train", "validation"] if self.validation else ["train"], "test": ["test"]}
        rows = {
            side: {name: label for part in parts for name, (label, _) in found[part].items()}
            for side, parts in sides.items()
        }
        media = {name: path for clips in found.values() for name, (_, path) in clips.items()}
        facts = {"clips": {name: len(clips) for name, clips in found.items()}, "validation": self.validation}
        return Copy({1: rows}, media, top, "clips", "class folders", "folders of the release", facts)

    def agrees(self, root: Path) -> bool:
        """Whether each part has the clips of the known lists, or all together the number of the paper."""
        copy = self.copy(root)
        known = all(self._counts(root, name) == COUNTS[name] for name in copy.facts["clips"])
        return len(copy.media) == PAPER or (len(copy.media) == LISTED and known)

    def short(self, root: Path) -> bool:
        """Whether the copy has fewer clips than any known one."""
        return len(self.copy(root).media) < LISTED

    def more(self, root: Path) -> bool:
        """Whether a class of a part has more clips than in the known lists."""
        parts = self.copy(root).facts["clips"]
        return any(exceeds(self._counts(root, name), COUNTS[name]) for name in parts)

    def _counts(self, root: Path, part: str) -> tuple[int, ...]:
        """The clips of each class in one part."""
        keys = [key for key in self.copy(root).media if key.startswith(f"{part}/")]
        return tally({key: str(canonical(key.split("/")[1])) for key in keys}, SEVEN)

    def findings(self, root: Path) -> Iterable[Finding]:
        """How many clips there are, of the two numbers in circulation, and of each class."""
        copy = self.copy(root)
        count = len(copy.media)
        known = count in (PAPER, LISTED) or self.drawn(root)
        yield Finding(
            "info" if known else "warning",
            f"{count} clips; the paper has {PAPER}, the lists that others use {LISTED}",
            "" if known else "Results on it are not comparable; check what is missing.",
        )
        for name in copy.facts["clips"]:
            counts, listed = (" ".join(map(str, c)) for c in (self._counts(root, name), COUNTS[name]))
            yield Finding("info", f"{name}: {counts} clips of each class, in the lists {listed}")

    def make(self, root: Path, layout: str, scale: float, paint: Paint, progress: Progress) -> None:
        """Write drawn clips. Raises UnknownName for an unknown layout."""
        from dferbench_datasets.more_data.make_wild import make_caer

        make_caer(root, layout, scale, paint, progress)


def _clips(top: Path, part: str) -> dict[str, tuple[str, Path]]:
    """Ids to class and path: names begin anew in each folder, so only the whole path tells clips apart."""
    found: dict[str, tuple[str, Path]] = {}
    for folder in entries(top):
        label = canonical(folder.name) if folder.is_dir() else None
        if label in SEVEN:
            clips = only(index(Path(folder.path), _key, depth=1), "clip")
            found |= {f"{part}/{folder.name}/{name}": (label, path) for name, path in clips.items()}
    return found


def _key(name: str) -> str | None:
    return name if re.fullmatch(r"\d{1,6}", name) else None
