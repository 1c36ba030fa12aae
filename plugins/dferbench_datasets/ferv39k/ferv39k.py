"""FERV39k as it lies on a disk: where its lists and clips are, in every form that is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

from dferbench import Finding, UnknownName
from dferbench.data import Paint, Progress
from dferbench.data.official import (
    OFFICIAL,
    OWN,
    RULE,
    Copy,
    Folds,
    Release,
    Rows,
    descend,
    entries,
    find_folder,
    find_lists,
    nothing_found,
    own_lists,
    read_folds,
    require_all,
)
from dferbench_datasets.ferv39k import checks
from dferbench_datasets.ferv39k.figures import (
    ALL,
    GROUPS,
    LAYOUTS,
    PROTOCOL,
    SETUPS,
    SEVEN,
    VARIANTS,
    protocol_of,
)
from dferbench_datasets.ferv39k.tree import SCENES, index, key, split_by_rule


class Ferv39k(Release):
    """FERV39k: 38,935 clips, seven classes, one split into 31,088 for training and 7,847 for testing.

    `variant` names the folder of clips to use; "auto" takes the face crops before the videos and those before
    the whole frames. `scene` keeps some of the 22 scenes ('Action', 'Action, War'). `lists` is a folder with
    a train and a test list of your own; `codes` says what numbers in them stand for where counts cannot tell.
    Raises UnknownName for a scene that there is not.
    """

    classes = SEVEN
    folds = (1,)
    protocol = PROTOCOL
    about = "38,935 clips of 22 kinds of scenes; seven expressions, one fixed split"
    where = (
        "Its authors give it out (dferbench data info ferv39k); name the folder that holds "
        "2_ClipsforFaceCrop and 4_setups."
    )
    layouts = LAYOUTS
    facts: ClassVar[Mapping[str, str]] = {
        "paper": "Wang et al., FERV39k: A Large-Scale Multi-Scene Dataset for Facial Expression Recognition "
        "in Videos, CVPR 2022",
        "protocol": "one split by number within each scene and emotion, no validation part; one clip in ten "
        "has fewer than 16 frames, so how a method fills them up changes its score",
        "licence": "research only; nothing of it or derived from it may be passed on beyond one site",
        "apply": "a mail from a university address with exactly this subject: (fudanroilab) Application to "
        "download the FERV39k Dataset; the text to send is in the readme of github.com/wangyanckxx/FERV39k",
        "download": "2_ClipsforFaceCrop.zip (faces) and 4_setups (lists); without the lists the folders "
        "alone give labels and split",
        "put": "unpack so that <root>/2_ClipsforFaceCrop/Action/Angry/0000/ and <root>/4_setups/All_scenes/ "
        "exist; a folder of the same name around each may stay",
    }

    def __init__(self, variant: str = "auto", scene: str = "", lists: str = "", codes: str = "") -> None:
        super().__init__()
        self.variant, self.lists, self.codes = variant, lists, codes
        self.scenes = _scenes(scene)
        if len(self.scenes) < len(GROUPS):
            self.protocol = protocol_of(self.scenes)

    def read(self, root: Path) -> Copy:
        """The clips, then the lists or the rule, then the scenes asked for. Raises DataError."""
        top = descend(root, _is_known)
        place = self._place(top)
        media = index(place, self.scenes)
        if not media:
            raise nothing_found(place, "clips as Scene/Emotion/0000", self.where)
        folds, labels, split = self._folds(root, top, media)
        facts = {"scenes": list(self.scenes)} if len(self.scenes) < len(GROUPS) else {}
        listed = (rows for parts in folds.values() for rows in parts.values())
        info = {name: {"scene": name.split("/")[0]} for rows in listed for name in rows}
        return Copy(folds, media, place, place.name, labels, split, facts, info)

    def _kept(self, rows: Rows) -> Rows:
        return {name: row for name, row in rows.items() if name.split("/")[0] in self.scenes}

    def _place(self, top: Path) -> Path:
        names = VARIANTS if self.variant == "auto" else (self.variant,)
        found = find_folder(top, names)
        if found is None and self.variant == "auto" and any(e.name.lower() in SCENES for e in entries(top)):
            found = top
        if found is None:
            raise nothing_found(top, f"a folder of clips ({', '.join(names)})", self.where)
        return found

    def _folds(self, root: Path, top: Path, media: Mapping[str, Path]) -> tuple[Folds, str, str]:
        """Folds, the folder that labels came from, and how they were divided."""
        setups = find_folder(top, (SETUPS,))
        official = find_folder(setups, (ALL,), depth=1) if setups else None
        if self.lists:
            lists, labels, split = own_lists(self.lists, PROTOCOL), self.lists, OWN
        elif official is not None and (found := find_lists(official, self.folds)):
            lists = require_all(found, self.folds, official)
            labels, split = str(official.relative_to(root)), OFFICIAL
        else:
            return {1: split_by_rule(media)}, "names of folders", RULE
        folds = read_folds(lists, key, PROTOCOL, self.codes)
        return {1: {part: self._kept(rows) for part, rows in folds[1].items()}}, labels, split

    def findings(self, root: Path) -> Iterable[Finding]:
        """Beyond what holds for all releases: labels against folders, sizes of groups, known lengths."""
        yield from super().findings(root)
        copy = self.copy(root)
        yield from checks.labels(copy)
        if len(self.scenes) < len(GROUPS):
            yield Finding("info", f"a slice: {', '.join(self.scenes)}")
        if not self.drawn(root):
            yield from checks.groups(copy, self.scenes)
            yield from checks.lengths(copy)

    def make(self, root: Path, layout: str, scale: float, paint: Paint, progress: Progress) -> None:
        """Write a drawn release. Raises UnknownName for an unknown layout."""
        from dferbench_datasets.ferv39k.make import make

        make(root, layout, scale, paint, progress)


def _is_known(name: str) -> bool:
    return name in (*VARIANTS, SETUPS) or name.lower() in SCENES


def _scenes(text: str) -> tuple[str, ...]:
    """The scenes that the option names, in the table's order; all if it names none. Raises UnknownName."""
    asked = text.replace(",", " ").replace("+", " ").split()
    for scene in asked:
        if scene.lower() not in SCENES:
            raise UnknownName("scene of ferv39k", scene, GROUPS)
    wanted = {SCENES[scene.lower()] for scene in asked}
    return tuple(scene for scene in GROUPS if not wanted or scene in wanted)
