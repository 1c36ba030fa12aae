"""FERV39k's clips on a disk: `<scene>/<emotion>/<number>`, the only name that is unique."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from pathlib import Path

from dferbench.data.official import VIDEOS, canonical, entries, last_parts, only
from dferbench_datasets.ferv39k.figures import EMOTIONS, GROUPS, SEVEN, tested

SCENES = {scene.lower(): scene for scene in GROUPS}
FOLDERS = dict(zip(SEVEN, EMOTIONS, strict=True))
LABELS = dict(zip(EMOTIONS, SEVEN, strict=True))


def key(path: str) -> str:
    """The id of a clip, `Scene/Emotion/NNNN`, from a path that ends like that. Raises ValueError."""
    scene, emotion, number = last_parts(path, 3).split("/")
    folder = FOLDERS.get(canonical(emotion) or "")
    if scene.lower() not in SCENES or folder is None or not re.fullmatch(r"[0-9]{1,4}", number):
        raise ValueError(path)
    return f"{SCENES[scene.lower()]}/{folder}/{int(number):04d}"


def label_of(name: str) -> str:
    """The class that the folder of a clip says."""
    return LABELS[name.split("/")[1]]


def index(place: Path, scenes: Container[str]) -> dict[str, Path]:
    """Clips of these scenes by id, folders of frames or video files, from names of directory entries alone.

    Raises DataError for a clip that is there twice.
    """
    found: dict[str, list[Path]] = {}
    for scene in entries(place):
        if SCENES.get(scene.name.lower()) in scenes and scene.is_dir():
            for emotion in entries(Path(scene.path)):
                folder = FOLDERS.get(canonical(emotion.name) or "")
                if folder is not None and emotion.is_dir():
                    _add_group(found, f"{SCENES[scene.name.lower()]}/{folder}", Path(emotion.path))
    return only(found, "clip")


def _add_group(found: dict[str, list[Path]], group: str, place: Path) -> None:
    for entry in entries(place):
        number, dot, suffix = entry.name.partition(".")
        is_video = f".{suffix}".lower() in VIDEOS if dot else entry.is_dir()
        if is_video and re.fullmatch(r"[0-9]{1,4}", number):
            found.setdefault(f"{group}/{number.zfill(4)}", []).append(Path(entry.path))


def groups(names: Mapping[str, Path]) -> dict[str, list[int]]:
    """`Scene/Emotion` to the numbers of its clips, ascending."""
    found: dict[str, list[int]] = {}
    for name in sorted(names):
        group, _, number = name.rpartition("/")
        found.setdefault(group, []).append(int(number))
    return found


def split_by_rule(media: Mapping[str, Path]) -> dict[str, dict[str, str]]:
    """Both parts from the tree alone: the first ceil(n / 5) numbers of each group are test.

    n is the last number of the group and one, so that a missing clip moves no other to the other part.
    """
    parts: dict[str, dict[str, str]] = {"train": {}, "test": {}}
    for group, numbers in groups(media).items():
        border = tested(numbers[-1] + 1)
        for number in numbers:
            name = f"{group}/{number:04d}"
            parts["test" if number < border else "train"][name] = label_of(name)
    return parts
