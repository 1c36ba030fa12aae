"""MAFW as it lies on a disk: where its labels, folds and videos are, in every form that is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

from dferbench import Finding
from dferbench.data import Paint, Progress, is_made
from dferbench.data.official import (
    CLASSES,
    OFFICIAL,
    OWN,
    RULE,
    Copy,
    Folds,
    Release,
    by_rule,
    canonical,
    descend,
    entries,
    find_folder,
    find_lists,
    index,
    last_parts,
    nothing_found,
    only,
    own_lists,
    read_folds,
    require_all,
)
from dferbench_datasets.mafw import captions, table
from dferbench_datasets.mafw.figures import CLIPS, LABELS, PROTOCOL, SINGLE, TEXTS, TOTALS

LISTS = "Train & Test Set"
"""The ampersand and the blanks trouble many programs, so people rename this folder; what is in it is found
below any name."""
PLAIN = ("no_caption", "no_caption_new")
CAPTIONED = ("with_caption", "with_caption_new")
VIDEOS = ("faces", "face", "frames_crop_align_224", "frames", "clips")
"""Folders of videos, face crops first; in the release they lie in `data`."""


def key(path: str) -> str:
    """The id of a clip, five digits, from a name with or without leading zeros. Raises ValueError."""
    name = last_parts(path, 1)
    if not re.fullmatch(r"[0-9]{1,5}", name):
        raise ValueError(path)
    return f"{int(name):05d}"


def _key_of_entry(name: str) -> str | None:
    return f"{int(name):05d}" if re.fullmatch(r"[0-9]{1,5}", name) else None


class Mafw(Release):
    """MAFW's single-labelled set: 9,172 clips, eleven classes, five folds.

    `variant` names the folder of videos to use; "auto" takes face crops before frames and those before the
    clips. `lists` is a folder with lists of your own, one per fold and part; `codes` says what numbers in
    them stand for where counts cannot tell. `captions` reads what annotators wrote: English as `caption`,
    Chinese as `caption_zh` in a video's info; neutral clips have none.
    """

    classes: tuple[str, ...] = CLASSES
    folds = (1, 2, 3, 4, 5)
    protocol = PROTOCOL
    about = "10,045 clips of films, series and shows, of which 9,172 have a single label; eleven expressions"
    where = (
        "Its authors give it out (dferbench data info mafw); name the folder that holds data and "
        "'Train & Test Set'."
    )
    layouts: tuple[str, ...] = ("faces", "frames", "clips", "renamed", "labels-only")
    task = "single"
    """The folder of this protocol's lists."""
    facts: ClassVar[Mapping[str, str]] = {
        "paper": "Liu et al., MAFW: A Large-scale, Multi-modal, Compound Affective Database for Dynamic "
        "Facial Expression Recognition in the Wild, ACM MM 2022",
        "protocol": "5 folds by id within each class, tested in turn; no validation part; the first fold is "
        "by far the hardest, so the spread over folds is not that of seeds",
        "licence": "academic and non-commercial; neither data nor annotations nor anything derived may be "
        "passed on",
        "apply": "the form mafw-academics-final.pdf in github.com/MAFW-database/MAFW, signed by permanent "
        "staff, sent to the address in its readme",
        "download": "data/frames.zip or data/clips.zip, and 'Train & Test Set' or Labels/single-set.xlsx; "
        "whole frames need face crops first",
        "put": "unpack so that <root>/data/faces/00019/ (or frames, or clips/00019.mp4) and "
        "<root>/Train & Test Set/single/no_caption/set_1/train.txt exist",
    }

    def __init__(
        self, variant: str = "auto", lists: str = "", codes: str = "", captions: bool = False
    ) -> None:
        super().__init__()
        self.variant, self.lists, self.codes, self.captions = variant, lists, codes, captions

    def name_of(self, word: str) -> str | None:
        """The class that a label of a list names."""
        return canonical(word)

    def read(self, root: Path) -> Copy:
        """Lists, or the table and the rule; then the videos, and captions if asked for. Raises DataError."""
        top = descend(root, lambda name: name in (LISTS, *VIDEOS, LABELS, self.task, "data"))
        place, media = self._media(top)
        folds, labels, split = self._folds(root, top)
        info = self._captions(top) if self.captions else {}
        facts = {"captions": len(info)} if self.captions else {}
        return Copy(folds, media, place, place.name, labels, split, facts, info)

    def _media(self, top: Path) -> tuple[Path, Mapping[str, Path]]:
        """The folder of videos and what is in it: the first of the known ones that is not empty."""
        names = VIDEOS if self.variant == "auto" else (self.variant,)
        places = [place for name in names if (place := find_folder(top, (name,), depth=3))]
        if self.variant == "auto" and _holds_clips(top):
            places = [top]
        for place in places:
            if media := only(index(place, _key_of_entry), "clip"):
                return place, media
        raise nothing_found(
            top, f"a folder with videos named by five digits ({', '.join(names)})", self.where
        )

    def _folds(self, root: Path, top: Path) -> tuple[Folds, str, str]:
        """Folds, the file or folder that labels came from, and how they were divided."""
        folder = self._official(top)
        if self.lists:
            lists, labels, split = own_lists(self.lists, self.protocol), self.lists, OWN
        elif folder is not None and (found := find_lists(folder, self.folds)):
            lists = require_all(found, self.folds, folder)
            labels, split = str(folder.relative_to(root)), OFFICIAL
        else:
            return self.rebuilt(root, top)
        folds = read_folds(lists, key, self.protocol, self.codes, name=self.name_of)
        return folds, labels, split

    def rebuilt(self, root: Path, top: Path) -> tuple[Folds, str, str]:
        """The folds without lists: the table of labels and the rule. Raises DataError without the table."""
        path = _table(top, SINGLE)
        if path is None:
            wanted = (
                f"{LISTS}/{self.task}/{PLAIN[0]} and {LABELS}/{SINGLE}, one of which must give the labels"
            )
            hint = self.where
            if self._task_folder(top, CAPTIONED):
                hint = f"The lists in {CAPTIONED[0]} lack all neutral clips, so they give no folds. {hint}"
            raise nothing_found(top, wanted, hint)
        return by_rule(table.single_labels(path, key)), str(path.relative_to(root)), RULE

    def _official(self, top: Path) -> Path | None:
        """The folder of the lists without captions, or that of the protocol if it has set_1 itself."""
        task = self._task(top)
        if task is not None and any(entry.name.lower() == "set_1" for entry in entries(task)):
            return task
        return self._task_folder(top, PLAIN)

    def _task(self, top: Path) -> Path | None:
        return find_folder(top, (self.task,), depth=3)

    def _task_folder(self, top: Path, names: tuple[str, ...]) -> Path | None:
        task = self._task(top)
        return find_folder(task, names, depth=1) if task else None

    def _captions(self, top: Path) -> captions.Captions:
        folder = self._task_folder(top, CAPTIONED)
        if folder is not None and (found := find_lists(folder, self.folds)):
            # Every fold has the captions of all clips.
            first = min(fold for fold, _ in found)
            return captions.from_lists([path for (fold, _), path in found.items() if fold == first], key)
        if path := _table(top, TEXTS):
            return captions.from_table(path, key)
        raise nothing_found(top, f"{CAPTIONED[0]} and {LABELS}/{TEXTS}, which have the captions", self.where)

    def findings(self, root: Path) -> Iterable[Finding]:
        """Beyond what holds for all releases: the number of clips, and what other datasets it contains."""
        yield from super().findings(root)
        copy = self.copy(root)
        if not is_made(root) and len(copy.media) not in (CLIPS, sum(TOTALS)):
            yield Finding(
                "warning",
                f"{len(copy.media)} clips in {copy.variant}, of {CLIPS} in the release",
                f"{sum(TOTALS)} of them have a single label.",
            )
        yield Finding("info", OVERLAP)

    def make(self, root: Path, layout: str, scale: float, paint: Paint, progress: Progress) -> None:
        """Write a drawn release. Raises UnknownName for an unknown layout."""
        from dferbench_datasets.mafw.make import make

        make(self, root, layout, scale, paint, progress)

    def drawn_totals(self) -> Mapping[str, int]:
        """Class names to numbers of clips, for `make` to scale."""
        return self.protocol.totals()


OVERLAP = (
    "1,097 clips come from DFEW, 98 from AFEW 7.0 and 850 from EmoVoxCeleb (its paper): training on one and "
    "testing on the other is contaminated"
)


def _holds_clips(folder: Path) -> bool:
    names = [entry.name for entry in entries(folder)]
    return bool(names) and sum(re.fullmatch(r"[0-9]{5}", n) is not None for n in names) >= 0.9 * len(names)


def _table(top: Path, name: str) -> Path | None:
    """A table of the release, in Labels or in the root."""
    folders = [find_folder(top, (LABELS,), depth=2), top]
    return next((f / name for f in folders if f is not None and (f / name).is_file()), None)
