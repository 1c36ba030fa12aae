"""A drawn FERV39k: the official layouts with their traps, for tests and for trials without the data."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from pathlib import Path

from dferbench import UnknownName
from dferbench.data import Paint, Progress
from dferbench.data.official import write_frames, write_video
from dferbench_datasets.ferv39k.figures import ALL, EMOTIONS, GROUPS, LAYOUTS, SETUPS, VARIANTS
from dferbench_datasets.ferv39k.tree import LABELS, split_by_rule

FACES, VIDEOS, _ = VARIANTS
LENGTHS = (33, 16, 28, 8, 40, 17, 31, 47)
"""Numbers of frames, within the official 8 to 47 and on both sides of 16 and 32."""
PLACES = {
    "faces": FACES,
    "nested": f"{FACES}-002/{FACES}",
    "FERV39K": f"FERV39K/{FACES}",
    "videos": VIDEOS,
    "no-lists": f"{FACES}/{FACES}",
}
LISTS = {
    "faces": SETUPS,
    "nested": f"{SETUPS}-001/{SETUPS}",
    "FERV39K": f"FERV39K/{SETUPS}",
    "videos": SETUPS,
}


def make(root: Path, layout: str, scale: float, paint: Paint, progress: Progress) -> None:
    """Write `scale` times the release's clips. Raises UnknownName for a layout that FERV39k does not have."""
    if layout not in PLACES:
        raise UnknownName("layout of ferv39k", layout, LAYOUTS)
    place = root / PLACES[layout]
    names = [f"{group}/{number:04d}" for group, size in _sizes(scale).items() for number in range(size)]
    with progress.bar("drawing", len(names)) as bar:
        for seed, (name, length) in enumerate(zip(names, cycle(LENGTHS), strict=False)):
            frames = paint(LABELS[name.split("/")[1]], seed, length)
            if layout == "videos":
                path = place / f"{name}.mp4"
                path.parent.mkdir(parents=True, exist_ok=True)
                write_video(path, frames)
            else:
                # Every fifth clip is grey; names without leading zeros are out of order as text.
                pixels = frames[..., 0] if seed % 5 == 0 else frames
                pattern = "{}.jpg" if layout == "nested" else "{:02d}.jpg"
                write_frames(place / name, pixels, [pattern.format(i) for i in range(length)])
                _leave_junk(place / name, seed)
            bar.advance()
    if layout in LISTS:
        _lists(root / LISTS[layout], dict.fromkeys(names, place), layout)


def _sizes(scale: float) -> dict[str, int]:
    """Groups to numbers of clips: scaled and rounded, those that would vanish left out.

    A group has at least two, one for each part, and the largest group of each emotion always stays.
    """
    largest = {max(GROUPS, key=lambda s: GROUPS[s][i]) + f"/{e}" for i, e in enumerate(EMOTIONS)}
    sizes = {}
    for scene, counts in GROUPS.items():
        for emotion, count in zip(EMOTIONS, counts, strict=True):
            group = f"{scene}/{emotion}"
            if count * scale >= 0.5 or group in largest:
                sizes[group] = max(2, round(count * scale))
    return sizes


def _leave_junk(folder: Path, seed: int) -> None:
    """Files next to the frames that are none."""
    if seed % 10 == 0:
        (folder / "Thumbs.db").write_bytes(b"left by another system")
        (folder / "._00.jpg").write_bytes(b"left by another system")
    if seed % 10 == 5:
        (folder / "n_frames").write_text("99")


def _lists(setups: Path, media: Mapping[str, Path], layout: str) -> None:
    """The lists of all scenes and of each scene: no header, blanks in spite of the suffix."""
    end = "\r\n" if layout == "FERV39K" else "\n"
    for split, rows in split_by_rule(media).items():
        lines = [f"{name} {name.split('/')[1]}" for name in rows]
        _write(setups / ALL / f"{split}_All.csv", lines, end)
        for scene in GROUPS:
            ours = [line for line in lines if line.startswith(f"{scene}/")]
            _write(setups / "22_scenes" / f"{split}_{scene}.csv", ours, end)


def _write(path: Path, lines: list[str], end: str) -> None:
    """The last line has no end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(end.join(lines).encode())
