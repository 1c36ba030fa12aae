"""DFEW as it lies on a disk: where its labels, folds and videos are, in every form that is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from dferbench import DataError, Finding
from dferbench.data import Paint, Progress
from dferbench.data.official import (
    OFFICIAL,
    OWN,
    RULE,
    Copy,
    Folds,
    Release,
    by_rule,
    count_images,
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
    read_table,
    require_all,
)
from dferbench_datasets.dfew.figures import (
    CLIPS,
    CODES,
    FACES,
    LABELLED_FRAMES,
    LAYOUTS,
    PROTOCOL,
    SEVEN,
    SHORT,
    VOTES,
)

LISTS = ("EmoLabel_DataSplit", "label")
FACE_FOLDERS = (
    "clip_224x224", "jpg_256", "clip_jpg_256", "DFEW_Frame_Face", "clip_224x224_avi", "data",
    "clip_224x224_16f", "clip_224x16f", "original",
)  # fmt: skip
"""Folders of videos by the names they go by, the full-length faces that papers use first."""
ANNOTATION = "annotation.xlsx"


def key(path: str) -> str:
    """The id of a clip, five digits, from a name with or without leading zeros. Raises ValueError."""
    name = last_parts(path, 1)
    if not re.fullmatch(r"\d{1,5}", name) or not 1 <= int(name) <= CLIPS:
        raise ValueError(path)
    return f"{int(name):05d}"


def _key_of_entry(name: str) -> str | None:
    try:
        return key(name)
    except ValueError:
        return None


class Dfew(Release):
    """DFEW's single-labelled set: 11,697 clips, seven classes, five folds.

    `variant` names the folder of videos to use; "auto" takes full-length faces before the 16-frame ones and
    those before the original clips. `lists` is a folder with lists of your own, one per fold and part;
    `codes` says what numbers in them stand for (codes='0=happiness, 1=sadness, ...') where counts cannot
    tell.
    """

    classes = SEVEN
    folds = (1, 2, 3, 4, 5)
    protocol = PROTOCOL
    about = "16,372 film clips, of which 11,697 have a single label; seven expressions, five folds"
    where = (
        "Its authors give it out (dferbench data info dfew); name the folder that holds Clip and "
        "EmoLabel_DataSplit."
    )
    layouts = LAYOUTS
    facts: ClassVar[Mapping[str, str]] = {
        "paper": "Jiang et al., DFEW: A Large-Scale Database for Recognizing Dynamic Facial Expressions in "
        "the Wild, ACM MM 2020",
        "protocol": "5 folds by id within each class, tested in turn; no validation part; its paper pools "
        "the predictions of the folds, nearly all later papers average the folds",
        "licence": "research only; nothing of it or derived from it may be passed on beyond one site",
        "apply": "the agreement on dfew-dataset.github.io is sent from a university address; a "
        "password for the archives comes back",
        "download": "clip_224x224_part_1.zip to _part_11.zip (faces, 256 x 256 in spite of the name) and "
        "EmoLabel_DataSplit; the original clips are only needed to crop faces yourself",
        "put": "unpack so that <root>/Clip/clip_224x224/ and <root>/EmoLabel_DataSplit/ exist; the part "
        "folders may stay or be merged",
    }

    def __init__(self, variant: str = "auto", lists: str = "", codes: str = "") -> None:
        super().__init__()
        self.variant, self.lists, self.codes = variant, lists, codes

    def read(self, root: Path) -> Copy:
        """Lists, or the annotation and the rule; then the videos. Raises DataError."""
        top = descend(root, lambda name: name in (*LISTS, *FACE_FOLDERS, "Clip", "Annotation"))
        place = self._place(top)
        media = _index(place)
        folds, labels, split = self._folds(root, top, media)
        return Copy(folds, media, place, place.name, labels, split)

    def _place(self, top: Path) -> Path:
        names = FACE_FOLDERS if self.variant == "auto" else (self.variant,)
        found = find_folder(top, names)
        if found is None and self.variant == "auto" and _holds_clips(top):
            found = top
        if found is None:
            raise nothing_found(top, f"a folder of videos ({', '.join(names)})", self.where)
        return found

    def _folds(self, root: Path, top: Path, media: Mapping[str, Path]) -> tuple[Folds, str, str]:
        """Folds, the file or folder that labels came from, and how they were divided."""
        if self.lists:
            return read_folds(own_lists(self.lists, PROTOCOL), key, PROTOCOL, self.codes), self.lists, OWN
        official = find_folder(top, LISTS)
        if official is not None and (found := find_lists(official, self.folds)):
            lists = require_all(found, self.folds, official)
            read = read_folds(lists, key, PROTOCOL, self.codes, _documented(lists))
            return read, str(official.relative_to(root)), OFFICIAL
        table = _annotation(top)
        if table is None:
            raise nothing_found(
                top, f"{LISTS[0]} and {ANNOTATION}, one of which must give the labels", self.where
            )
        return by_rule(single_labels(table, media)), str(table.relative_to(root)), RULE

    def votes(self, root: Path) -> Mapping[str, Sequence[float]]:
        """The ten votes on each clip, where the copy has its annotation. Raises DataError."""
        table = _annotation(descend(root, lambda name: name in (*LISTS, *FACE_FOLDERS, "Clip", "Annotation")))
        return {} if table is None else votes_in(table)

    def findings(self, root: Path) -> Iterable[Finding]:
        """Beyond what holds for all releases: which variant it is, and the known short clips."""
        yield from super().findings(root)
        copy = self.copy(root)
        expected = CLIPS if copy.variant == "original" else FACES
        if len(copy.media) not in (expected, sum(PROTOCOL.totals().values())):
            yield Finding(
                "warning", f"{len(copy.media)} clips in {copy.variant}, of {expected} in the release"
            )
        labelled = {name for part in copy.folds[1].values() for name in part}
        folders = {name: path for name in labelled if (path := copy.media.get(name)) and path.is_dir()}
        frames = {name: count_images(path) for name, path in folders.items()}
        yield from _variant(copy, list(frames.values()))
        yield from _lengths(frames)

    def make(self, root: Path, layout: str, scale: float, paint: Paint, progress: Progress) -> None:
        """Write a drawn release. Raises ConfigError for an unknown layout."""
        from dferbench_datasets.dfew.make import make

        make(root, layout, scale, paint, progress)


def _holds_clips(folder: Path) -> bool:
    names = [entry.name for entry in entries(folder)]
    return bool(names) and sum(re.fullmatch(r"\d{5}", name) is not None for name in names) >= 0.9 * len(names)


def _index(place: Path) -> dict[str, Path]:
    return only(index(place, _key_of_entry, depth=3), "clip")


def _documented(lists: Mapping[tuple[int, str], Path]) -> dict[str, str] | None:
    """The release's own codes, unless a list somewhere says 0: then it is a rewritten one.

    Some repositories pass on lists with the same header and file names, but labels from 0 and padded ids.
    """
    from dferbench.data.official import read_rows

    rows = [row for path in lists.values() for row in read_rows(path)]
    rewritten = any(row.label == "0" or row.video.startswith("0") for row in rows)
    return None if rewritten else CODES


def _annotation(top: Path) -> Path | None:
    return next((p for p in (top / "Annotation" / ANNOTATION, top / ANNOTATION) if p.is_file()), None)


def votes_in(table: Path) -> dict[str, list[float]]:
    """Ids to the votes for each of the seven classes, of clips that have any. Raises DataError."""
    rows = read_table(table)
    heads = [head.lower() for head in rows[0]] if rows else []
    if missing := [name for name in (*VOTES, "order") if name not in heads]:
        raise DataError(f"{table} has no column '{missing[0]}'", "Fetch it again.")
    ids, places = heads.index("order"), [heads.index(name) for name in VOTES]
    try:
        found = {key(row[ids]): [float(row[place] or 0) for place in places] for row in rows[1:]}
    except (ValueError, IndexError) as error:
        raise DataError(f"{table} holds {error}, which is no id or vote of DFEW", "Fetch it again.") from None
    return {name: votes for name, votes in found.items() if sum(votes) > 0 and min(votes) >= 0}


def single_labels(table: Path, media: Mapping[str, Path]) -> dict[str, str]:
    """Ids to class names of the clips that have a single label and a video. Raises DataError."""
    rows = read_table(table)
    heads = [head.lower() for head in rows[0]] if rows else []
    if "order" not in heads or "annotation" not in heads:
        raise DataError(f"{table} has no columns 'order' and 'annotation'", "Fetch it again.")
    ids, labels = heads.index("order"), heads.index("annotation")
    try:
        found = {key(row[ids]): row[labels] for row in rows[1:]}
        return {name: CODES[label] for name, label in found.items() if label != "0" and name in media}
    except (ValueError, KeyError, IndexError) as error:
        raise DataError(
            f"{table} holds {error}, which is not an id or label of DFEW", "Fetch it again."
        ) from None


def _variant(copy: Copy, counts: list[int]) -> Iterable[Finding]:
    sixteen = sum(count == 16 for count in counts)
    if counts and sixteen > 0.99 * len(counts) and "16f" not in copy.variant:
        yield Finding(
            "warning",
            f"{copy.variant}: {sixteen} of {len(counts)} clips have 16 frames: this is the 16-frame variant",
            "Papers use the full-length faces, clip_224x224.",
        )
    if "16f" in copy.variant and sixteen < len(counts):
        yield Finding("warning", f"{copy.variant}: {len(counts) - sixteen} clips do not have 16 frames")


def _lengths(frames: Mapping[str, int]) -> Iterable[Finding]:
    if len(frames) != sum(PROTOCOL.totals().values()) or set(frames.values()) == {16}:
        return
    if sum(frames.values()) != LABELLED_FRAMES:
        yield Finding(
            "warning", f"{sum(frames.values())} images of labelled clips, officially {LABELLED_FRAMES}"
        )
    short = {name: count for name, count in frames.items() if count < 16}
    if short != SHORT:
        odd = tuple(sorted(set(short) ^ set(SHORT)))
        yield Finding(
            "warning", f"{len(short)} clips have fewer than 16 images, officially {len(SHORT)}", items=odd
        )
