"""A drawn DFEW: the official layouts with their traps, for tests and for trying things without the data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dferbench import UnknownName
from dferbench.data import Paint, Progress
from dferbench.data.official import (
    by_rule,
    lengths,
    scaled,
    shuffled_labels,
    write_frames,
    write_table,
    write_video,
)
from dferbench_datasets.dfew.figures import CODES, LAYOUTS, PROTOCOL, VOTES

SIZE = 256
"""Side of the face images: 256, whatever the folder is called."""
PER_PART = 1600
LEAST = 5
"""One video of each class in each fold."""
NUMBERS = {name: code for code, name in CODES.items()}


def make(root: Path, layout: str, scale: float, paint: Paint, progress: Progress) -> None:
    """Write `scale` times the release's clips. Raises UnknownName for a layout that DFEW does not have."""
    if layout not in LAYOUTS:
        raise UnknownName("layout of dfew", layout, LAYOUTS)
    labels = shuffled_labels(scaled(PROTOCOL.totals(), scale, LEAST))
    # Ids with gaps, over several part folders: what is not here has no single label.
    step = max(1, 16372 // (len(labels) + 1))
    clips = {f"{1 + i * step:05d}": label for i, label in enumerate(labels)}
    write = {"16f": _sixteen, "original": _video}.get(layout, _faces)
    with progress.bar("drawing", len(clips)) as bar:
        for number, (name, length) in enumerate(zip(clips, lengths(), strict=False)):
            write(_folder(root, layout, name), name, number, clips[name], length, paint)
            bar.advance()
    _lists(root, layout, clips)


def _folder(root: Path, layout: str, name: str) -> Path:
    part = (int(name) - 1) // PER_PART + 1
    return {
        "faces": root / "Clip" / "clip_224x224" / f"clip_224x224_part_{part}" / name,
        "flat": root / "DFEW-part2" / "Clip" / "clip_224x224" / name,
        "16f": root / "Clip" / "clip_224x224_16f" / name,
        "original": root / "Clip" / "original" / f"part_{part}" / f"{int(name)}.mp4",
        "repository": root / "data" / name,
    }[layout]


def _faces(folder: Path, name: str, number: int, label: str, length: int, paint: Paint) -> None:
    """Frames named by their index in the film clip, with gaps where no face was found."""
    indices = [i + 1 + (i > length // 2) * 3 for i in range(length)]
    names = [f"{name}_{i:05d}.jpg" for i in indices]
    write_frames(folder, paint(label, number, length), names, SIZE)
    if number % 10 == 0:
        (folder / "Thumbs.db").write_bytes(b"left by another system")
        (folder / f"._{names[0]}").write_bytes(b"left by another system")


def _sixteen(folder: Path, name: str, number: int, label: str, length: int, paint: Paint) -> None:
    write_frames(folder, paint(label, number, 16), [f"{i}.jpg" for i in range(1, 17)], SIZE)


def _video(path: Path, name: str, number: int, label: str, length: int, paint: Paint) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(path, paint(label, number, length))


def _votes(name: str, label: str) -> list[int]:
    """Ten votes, of which six to ten are for the label, as the release requires of a single one."""
    votes, sure = [0] * len(VOTES), 6 + int(name) % 5
    mine = int(NUMBERS[label]) - 1
    votes[mine] = sure
    votes[(mine + 1 + int(name) % 6) % 7] += 10 - sure
    return votes


def _lists(root: Path, layout: str, clips: Mapping[str, str]) -> None:
    if layout == "original":
        votes = [[*_votes(name, label), int(name), int(NUMBERS[label])] for name, label in clips.items()]
        unlabelled = [1, 1, 2, 2, 2, 1, 1, 16372, 0]
        (root / "Annotation").mkdir()
        write_table(
            root / "Annotation" / "annotation.xlsx", [(*VOTES, "order", "annotation"), *votes, unlabelled]
        )
        return
    top = root / "DFEW-part2" if layout == "flat" else root
    usual = "EmoLabel_DataSplit/{split}(single-labeled)/set_{fold}.csv"
    pattern = "label/single_{split}set_{fold}.csv" if layout == "repository" else usual
    for fold, parts in by_rule(clips).items():
        for split, rows in parts.items():
            path = top / pattern.format(split=split, fold=fold)
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = [f"{int(name)},{NUMBERS[label]}" for name, label in rows.items()]
            path.write_text("\n".join(["video_name,label", *lines, ""]))
