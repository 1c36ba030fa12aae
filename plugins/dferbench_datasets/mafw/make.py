"""A drawn MAFW: the official layouts with their traps, for tests and for trials without the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dferbench import UnknownName
from dferbench.data import Paint, Progress
from dferbench.data.official import (
    MAFW_ORDER,
    by_rule,
    lengths,
    scaled,
    shuffled_labels,
    write_frames,
    write_table,
    write_video,
)
from dferbench_datasets.mafw.figures import LABELS, SINGLE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dferbench_datasets.mafw.mafw import Mafw

FIRST, LAST = 19, 20098
"""The lowest and the highest id of the release, which has gaps."""
LEAST = 5
"""One video of each class in each fold."""
SHORTEST = 9
"""The fewest frames of a clip of the release."""
PLACES = {
    "faces": "data/faces",
    "frames": "data/frames",
    "clips": "data/clips",
    "renamed": "face",
    "labels-only": "frames_crop_align_224",
}
Write = Callable[[Path, str, "NDArray[np.uint8]", int], None]


def make(dataset: Mafw, root: Path, layout: str, scale: float, paint: Paint, progress: Progress) -> None:
    """Write `scale` times the set's clips, and one that has no label. Raises UnknownName for the layout."""
    if layout not in dataset.layouts:
        raise UnknownName("layout of mafw", layout, dataset.layouts)
    labels = shuffled_labels(scaled(dataset.drawn_totals(), scale, LEAST))
    step = max(1, (LAST - FIRST) // (len(labels) + 1))
    clips = {f"{FIRST + i * step:05d}": label for i, label in enumerate(labels)}
    write: Write = {"frames": _png, "clips": _video}.get(layout, _faces)
    drawn = {**clips, f"{LAST:05d}": "neutral"}
    with progress.bar("drawing", len(drawn)) as bar:
        for seed, (name, length) in enumerate(zip(drawn, chain([SHORTEST], lengths()), strict=False)):
            write(root / PLACES[layout], name, paint(drawn[name], seed, length), seed)
            bar.advance()
    if layout == "labels-only":
        _table(root / LABELS / SINGLE, clips)
    else:
        _lists(root, dataset.task, layout, clips)


def _faces(place: Path, name: str, frames: NDArray[np.uint8], seed: int) -> None:
    """JPEG names without leading zeros; every fifth clip grey; files next to the frames that are none."""
    folder = place / name
    pixels = frames[..., 0] if seed % 5 == 0 else frames
    write_frames(folder, pixels, [f"{i}.jpg" for i in range(len(frames))])
    if seed % 10 == 0:
        (folder / "Thumbs.db").write_bytes(b"left by another system")
        (folder / "._0.jpg").write_bytes(b"left by another system")
    if seed % 10 == 5:
        (folder / "n_frames").write_text("99")


def _png(place: Path, name: str, frames: NDArray[np.uint8], seed: int) -> None:
    """PNG, four digits from 0000."""
    write_frames(place / name, frames, [f"{i:04d}.png" for i in range(len(frames))])


def _video(place: Path, name: str, frames: NDArray[np.uint8], seed: int) -> None:
    place.mkdir(parents=True, exist_ok=True)
    write_video(place / f"{name}.mp4", frames)


def _lists(root: Path, task: str, layout: str, clips: Mapping[str, str]) -> None:
    """Lists without captions, whose last line has no end, and with: GBK, tabs, CRLF, no neutral clips."""
    renamed = layout == "renamed"
    new = "_new" if renamed else ""
    top = root / ("Train_Test_Set" if renamed else "Train & Test Set") / task
    end = "\r\n" if layout == "clips" else "\n"
    for fold, parts in by_rule(clips).items():
        for split, rows in parts.items():
            plain = end.join(f"{name}.mp4 {label}" for name, label in rows.items())
            _write(top / f"no_caption{new}" / f"set_{fold}" / f"{split}.txt", plain.encode())
            captions = [_captioned(name, label) for name, label in rows.items() if label != "neutral"]
            _write(
                top / f"with_caption{new}" / f"set_{fold}" / f"{split}.txt", "".join(captions).encode("gbk")
            )


def _captioned(name: str, label: str) -> str:
    return f"{name}.mp4\t{label}\t画出来的一张脸。编号{name}。\tA drawn face, number {name}.\r\n"


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _table(path: Path, clips: Mapping[str, str]) -> None:
    """single-set.xlsx with a header of two rows: clip, the eleven confidences, single_label."""
    rows: list[list[Any]] = [["clip", *MAFW_ORDER, "single_label"], ["", *range(1, 12), "1-11"]]
    for name, label in clips.items():
        number = MAFW_ORDER.index(label)
        rows.append([f"{name}.mp4", *(float(i == number) for i in range(11)), number + 1])
    write_table(path, rows)
