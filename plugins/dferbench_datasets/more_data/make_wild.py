"""Drawn AFEW and CAER: the official names and folders with their traps."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from dferbench import UnknownName
from dferbench.data import Paint, Progress
from dferbench.data.official import lengths, scaled, shuffled_labels, write_frames, write_video
from dferbench_datasets.more_data import figures_afew as afew
from dferbench_datasets.more_data import figures_caer as caer

AFEW_FOLDERS = {
    "happiness": "Happy", "sadness": "Sad", "neutral": "Neutral", "anger": "Angry", "surprise": "Surprise",
    "disgust": "Disgust", "fear": "Fear",
}  # fmt: skip
CAER_FOLDERS = {**AFEW_FOLDERS, "anger": "Anger"}


def make_afew(root: Path, layout: str, scale: float, paint: Paint, progress: Progress) -> None:
    """Write `scale` times the clips of both parts. Raises UnknownName for an unknown layout."""
    if layout not in afew.LAYOUTS:
        raise UnknownName("layout of afew", layout, afew.LAYOUTS)
    clips = [
        (side, label)
        for side in afew.SIDES
        for label in shuffled_labels(scaled(afew.PROTOCOL.counts(1, side), scale, 1))
    ]
    with progress.bar("drawing", len(clips)) as bar:
        for number, ((side, label), length) in enumerate(zip(clips, lengths(), strict=False)):
            top = root / afew.SIDES[side][0]
            folder, name = top / AFEW_FOLDERS[label], f"{46280 + 4440 * number:09d}"
            folder.mkdir(parents=True, exist_ok=True)
            frames = paint(label, number, length)
            write_video(folder / f"{name}.avi", frames, "mpeg4")
            (folder / "Thumbs.db").write_bytes(b"left by another system")
            if layout == "faces":
                faces = afew.FACES[0] if side == "train" else afew.FACES[1]
                names = [f"{name}-{i:03d}.jpg" for i in range(1, length + 1)]
                write_frames(top / faces / "Faces" / name, frames, names, 128)
            bar.advance()


def make_caer(root: Path, layout: str, scale: float, paint: Paint, progress: Progress) -> None:
    """Write `scale` times the clips; numbers begin anew in every folder, as they do in the release.

    Raises UnknownName for an unknown layout.
    """
    if layout not in caer.LAYOUTS:
        raise UnknownName("layout of caer", layout, caer.LAYOUTS)
    clips = [
        (part, label)
        for part, counts in caer.COUNTS.items()
        for label in shuffled_labels(scaled(dict(zip(caer.SEVEN, counts, strict=True)), scale, 1))
    ]
    seen: Counter[Path] = Counter()
    with progress.bar("drawing", len(clips)) as bar:
        for number, ((part, label), length) in enumerate(zip(clips, lengths(), strict=False)):
            folder = root / "CAER" / part / CAER_FOLDERS[label]
            folder.mkdir(parents=True, exist_ok=True)
            seen[folder] += 1
            write_video(folder / f"{seen[folder]:04d}.avi", paint(label, number, length), "mpeg4")
            bar.advance()
