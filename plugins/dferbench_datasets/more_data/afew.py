"""AFEW 7.0: film clips of the EmotiW challenge, trained on its train and tested on its val part."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

from dferbench import DataError, Finding, UnknownName
from dferbench.data import Paint, Progress
from dferbench.data.official import Copy, Release, canonical, entries, find_folder, index, nothing_found, only
from dferbench_datasets.more_data.figures_afew import FACES, LAYOUTS, PROTOCOL, SEVEN, SIDES

LACKING = (
    "003353294", "003902287", "000147200", "004827807", "015407880", "020950800",
)  # fmt: skip
"""Clips that are missing from one or the other list that is passed around, whence 771 and 381 videos."""
DISPUTED = ("001343200", "001346600", "012949687")
"""Clips that stand in different classes in different copies."""


def key(name: str) -> str | None:
    """The nine digits of a clip, bare or at the end as in `Train_Angry_000046280`; None if there are none."""
    match = re.fullmatch(r"(?:.*_)?(\d{9})", name)
    return match[1] if match else None


class Afew(Release):
    """AFEW 7.0: 773 clips to train on and 383 of its validation part to test on; seven classes.

    `variant` "faces" uses the aligned faces of the release, "clips" what lies in the class folders, "auto"
    the faces if they are there. Labels are the class folders in both cases.
    """

    classes = SEVEN
    protocol = PROTOCOL
    about = "773 + 383 film clips, seven expressions; trained on train, tested on val"
    where = (
        "Its authors give it out (dferbench data info afew); name the folder with Train_AFEW and Val_AFEW."
    )
    layouts = LAYOUTS
    facts: ClassVar[Mapping[str, str]] = {
        "paper": "Dhall et al., Collecting Large, Richly Annotated Facial-Expression Databases from Movies, "
        "IEEE MultiMedia 2012",
        "protocol": "train to val, for test labels were never released; papers test on 383 or 381",
        "licence": "an agreement signed by staff; nothing of it may be passed on",
        "apply": "ask the organisers of the EmotiW challenge for AFEW 7.0",
        "download": "Train_AFEW and Val_AFEW, the aligned faces inside them",
        "put": "<root>/Train_AFEW/Angry/000046280.avi and <root>/Val_AFEW/..., faces in "
        "<root>/Train_AFEW/AlignedFaces_LBPTOP_Points/Faces/000046280/",
    }

    def __init__(self, variant: str = "auto") -> None:
        super().__init__()
        if variant not in ("auto", "faces", "clips"):
            raise UnknownName("variant of afew", variant, ("auto", "faces", "clips"))
        self.variant = variant

    def read(self, root: Path) -> Copy:
        """Labels from the class folders, videos from there or from the faces. Raises DataError."""
        tops = {side: find_folder(root, names) for side, names in SIDES.items()}
        for side, top in tops.items():
            if top is None:
                raise nothing_found(root, f"the folder {SIDES[side][0]}", self.where)
        found = {side: _clips(top, self.where) for side, top in tops.items() if top is not None}
        rows = {side: {name: label for name, (label, _) in clips.items()} for side, clips in found.items()}
        media = {name: path for clips in found.values() for name, (_, path) in clips.items()}
        faces = {} if self.variant == "clips" else _faces(tops.values())
        if self.variant == "faces" and not faces:
            raise nothing_found(root, f"aligned faces in {FACES[0]}", self.where)
        variant = "faces" if faces else "clips"
        return Copy({1: rows}, faces or media, root, variant, "class folders", "folders of the release")

    def findings(self, root: Path) -> Iterable[Finding]:
        """The class table, and the clips that are known to be missing or disputed."""
        yield from super().findings(root)
        copy = self.copy(root)
        rows = {**copy.folds[1]["train"], **copy.folds[1]["test"]}
        if (missing := tuple(name for name in LACKING if name not in rows)) and not self.drawn(root):
            total = len(copy.folds[1]["test"])
            yield Finding("warning", f"{total} clips to test on; known lists lack these", items=missing)
        if disputed := tuple(f"{name}: {rows[name]}" for name in DISPUTED if name in rows):
            yield Finding("info", "clips that stand in other classes in other copies", items=disputed)
        if empty := tuple(name for name in rows if name not in copy.media):
            yield Finding("warning", f"{len(empty)} clips have no {copy.variant}", items=empty)

    def make(self, root: Path, layout: str, scale: float, paint: Paint, progress: Progress) -> None:
        """Write drawn clips. Raises UnknownName for an unknown layout."""
        from dferbench_datasets.more_data.make_wild import make_afew

        make_afew(root, layout, scale, paint, progress)


def _clips(top: Path, where: str) -> dict[str, tuple[str, Path]]:
    """Ids to class and path of what lies in the class folders of one part."""
    found: dict[str, tuple[str, Path]] = {}
    for folder in entries(top):
        label = canonical(folder.name) if folder.is_dir() else None
        if label not in SEVEN:
            continue
        for name, path in only(index(Path(folder.path), key), "clip").items():
            if name in found:
                raise DataError(f"clip {name} is in {found[name][1]} and in {path}", "Remove one of them.")
            found[name] = label, path
    if not found:
        raise nothing_found(top, "class folders with clips of nine digits", where)
    return found


def _faces(tops: Iterable[Path | None]) -> dict[str, Path]:
    folders = [folder for top in tops if top is not None and (folder := find_folder(top, FACES))]
    return {name: path for folder in folders for name, path in only(index(folder, key), "clip").items()}
