"""CREMA-D: acted sentences, whose file names say who, what and how."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar, Literal

from dferbench import Finding
from dferbench.data import Paint, Progress
from dferbench.data.official import (
    OWN,
    RULE,
    Copy,
    Part,
    Protocol,
    Release,
    canonical,
    descend,
    find_folder,
    index,
    nothing_found,
    only,
)
from dferbench_datasets.more_data.actors import by_actor, groups_of, require_folds
from dferbench_datasets.more_data.figures_crema_d import ACTORS, FOLDS, LAYOUTS, SIX, TOTALS, VIDEOS

LEVELS = {"LO": 455, "MD": 455, "HI": 455, "XX": 6077}
TEST_SIZES = (1463, 1470, 1476, 1476, 1557)
BROKEN = ("1064_IEO_DIS_MD", "1064_TIE_SAD_XX", "1076_MTI_NEU_XX", "1076_MTI_SAD_XX", "1040_ITH_SAD_XX")
"""Clips that others found broken; the last one by one source alone."""
FOLDERS = ("VideoFlash", "VideoMP4", "Video", "videos", "faces")
PROTOCOL = Protocol(
    SIX,
    {
        place: Part(size=size)
        for fold, test in enumerate(TEST_SIZES, 1)
        for place, size in (((fold, "train"), VIDEOS - test), ((fold, "test"), test))
    },
)
_NAME = re.compile(r"(10[0-8]\d|109[01])_([A-Z]{3})_(ANG|DIS|FEA|HAP|NEU|SAD)_(LO|MD|HI|XX)")


def take_apart(name: str) -> tuple[int, str, str] | None:
    """Actor 1..91, class and level of a clip's name; None if it is none."""
    match = _NAME.fullmatch(name)
    actor = int(match[1]) - 1000 if match else 0
    label = canonical(match[3]) if match else None
    return (actor, label, match[4]) if match and label and actor else None


class CremaD(Release):
    """CREMA-D's 7,442 clips of 91 actors with the emotion that was intended, six classes.

    There is no official split: `folds` are blocks of actors in order, 5 as usual. `variant` names the folder
    of videos; "auto" takes VideoFlash first, then other usual names, then the root itself.
    """

    protocol = PROTOCOL
    classes = SIX
    about = "7,442 clips of 91 actors speaking 12 sentences; six intended emotions; folds by actor"
    where = "Clone its repository with git lfs pull, and name the folder that holds VideoFlash."
    layouts = LAYOUTS
    facts: ClassVar[Mapping[str, str]] = {
        "paper": "Cao et al., CREMA-D: Crowd-Sourced Emotional Multimodal Actors Dataset, IEEE TAC 2014",
        "protocol": "none is official; usual are 5 folds by actor: 1-18, 19-36, 37-54, 55-72, 73-91; the "
        "label is the intended emotion in the file name, not the votes of the crowd",
        "licence": "Open Database License; lists may be passed on with attribution",
        "download": "the repository CheyneyComputerScience/CREMA-D with Git LFS: VideoFlash/*.flv",
        "put": "<root>/VideoFlash/1001_DFA_ANG_XX.flv, ..., or face folders <root>/faces/1001_DFA_ANG_XX/",
    }

    def __init__(self, variant: str = "auto", folds: int = FOLDS) -> None:
        super().__init__()
        require_folds("crema-d", folds, ACTORS)
        self.variant, self.folds = variant, tuple(range(1, folds + 1))
        self.protocol = PROTOCOL if folds == FOLDS else Protocol(SIX)

    def read(self, root: Path) -> Copy:
        """The clips whose names parse. Raises DataError."""
        names = FOLDERS if self.variant == "auto" else (self.variant,)
        top = descend(root, lambda name: name in (*names, "AudioWAV") or take_apart(name[:-4]) is not None)
        place = find_folder(top, names) or (top if self.variant == "auto" else None)
        known = {} if place is None else index(place, lambda name: name if take_apart(name) else None)
        if place is None or not known:
            raise nothing_found(top, f"clips named as 1001_DFA_ANG_XX in {', '.join(names)}", self.where)
        said = {name: found for name in known if (found := take_apart(name))}
        labels = {name: label for name, (_, label, _) in said.items()}
        actors = {name: actor for name, (actor, _, _) in said.items()}
        folds = by_actor(labels, actors, ACTORS, len(self.folds))
        split = RULE if len(self.folds) == FOLDS else OWN
        clips = only(known, "clip")
        return Copy(folds, clips, place, place.name, "file names", split, groups=groups_of(actors))

    def official(self, root: Path) -> bool:
        """Never: there is no official split."""
        return False

    def findings(self, root: Path) -> Iterable[Finding]:
        """The tables of classes, levels and actors, fold sizes, broken clips and missing LFS files."""
        copy = self.copy(root)
        yield from _tables(copy.media, "info" if self.drawn(root) else "error")
        sizes = " ".join(str(len(copy.folds[fold]["test"])) for fold in self.folds)
        usual = f", in the release {' '.join(map(str, TEST_SIZES))}" if len(self.folds) == FOLDS else ""
        yield Finding("info", f"variant {copy.variant}; test clips of the folds: {sizes}{usual}")
        if broken := tuple(name for name in BROKEN if name in copy.media):
            yield Finding(
                "warning", f"{len(broken)} clips are known to be broken", "Run with --skip-bad.", broken
            )
        if stubs := tuple(name for name, path in copy.media.items() if is_stub(path)):
            yield Finding("warning", f"{len(stubs)} files are Git LFS pointers", "Run: git lfs pull", stubs)

    def make(self, root: Path, layout: str, scale: float, paint: Paint, progress: Progress) -> None:
        """Write drawn clips. Raises UnknownName for an unknown layout."""
        from dferbench_datasets.more_data.make_acted import make_crema_d

        make_crema_d(root, layout, scale, paint, progress)


def _tables(names: Iterable[str], level: Literal["info", "error"]) -> Iterable[Finding]:
    said = [found for name in names if (found := take_apart(name))]
    classes, levels = Counter(label for _, label, _ in said), Counter(strength for _, _, strength in said)
    for what, counts, wanted in (
        ("clips of each class", [classes[key] for key in TOTALS], TOTALS.values()),
        ("clips of each level", [levels[key] for key in LEVELS], LEVELS.values()),
        ("actors", [len({actor for actor, _, _ in said})], [ACTORS]),
    ):
        if counts != list(wanted):
            here, real = (" ".join(map(str, numbers)) for numbers in (counts, wanted))
            yield Finding(level, f"{here} {what}, in the release {real}", "Fetch what is missing.")


def is_stub(path: Path) -> bool:
    """Whether a file is the pointer that Git LFS leaves where the real file was not fetched."""
    if path.is_dir() or path.stat().st_size >= 200:
        return False
    return path.read_bytes().startswith(b"version https://git-lfs")
