"""Drawn CREMA-D and RAVDESS: the official names and folders with their traps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dferbench import UnknownName
from dferbench.data import Paint, Progress
from dferbench.data.official import lengths, scaled, write_frames, write_video
from dferbench_datasets.more_data import figures_crema_d as crema_d
from dferbench_datasets.more_data import figures_ravdess as ravdess

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SENTENCES = ("IEO", "TIE", "IOM", "IWW", "TAI", "MTI", "IWL", "ITH", "DFA", "ITS", "TSI", "WSI")
EMOTIONS = {
    "anger": "ANG", "disgust": "DIS", "fear": "FEA", "happiness": "HAP", "neutral": "NEU", "sadness": "SAD",
}  # fmt: skip
STUB = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 1234\n"


def crema_d_names(label: str) -> list[str]:
    """What the clips of one class would be called if no actor had left one out."""
    code = EMOTIONS[label]
    return [
        f"{1000 + actor}_{sentence}_{code}_{level}"
        for actor in range(1, crema_d.ACTORS + 1)
        for sentence in SENTENCES
        for level in (("LO", "MD", "HI") if sentence == "IEO" and code != "NEU" else ("XX",))
    ]


def ravdess_names(label: str) -> list[str]:
    """What the takes of one class are called, behind the modality."""
    code = next(code for code, name in ravdess.CODES.items() if name == label)
    return [
        f"01-{code}-{strength}-{sentence}-{take}-{actor:02d}"
        for actor in range(1, ravdess.ACTORS + 1)
        for strength in (("01",) if label == "neutral" else ("01", "02"))
        for sentence in ("01", "02")
        for take in ("01", "02")
    ]


def _spread(names: Sequence[str], count: int) -> list[str]:
    """So many of the names, evenly over the actors."""
    return [names[i * len(names) // count] for i in range(min(count, len(names)))]


def _drawn(
    clips: Iterable[tuple[str, str]], paint: Paint, progress: Progress
) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Name and frames of each (name, class)."""
    clips = list(clips)
    with progress.bar("drawing", len(clips)) as bar:
        for number, ((name, label), length) in enumerate(zip(clips, lengths(), strict=False)):
            yield name, paint(label, number, length)
            bar.advance()


def make_crema_d(root: Path, layout: str, scale: float, paint: Paint, progress: Progress) -> None:
    """Write `scale` times the clips, evenly over the actors. Raises UnknownName for an unknown layout."""
    _require_layout("crema-d", layout, crema_d.LAYOUTS)
    counts = scaled(crema_d.TOTALS, scale, crema_d.FOLDS)
    clips = [
        (name, label) for label, count in counts.items() for name in _spread(crema_d_names(label), count)
    ]
    for name, frames in _drawn(clips, paint, progress):
        if layout == "faces":
            # As OpenFace names aligned faces.
            _write_faces(root / "faces" / name, frames, "frame_det_00_{:06d}.jpg")
            continue
        for folder in ("VideoFlash", "AudioWAV", "processedResults"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        write_video(root / "VideoFlash" / f"{name}.flv", frames, "flv")
        # Where git lfs pull was given one folder only, the others hold pointers.
        (root / "AudioWAV" / f"{name}.wav").write_text(STUB.format("0" * 64))
    if layout == "release":
        (root / "processedResults" / "summaryTable.csv").write_text('"","FileName","VoiceVote"\n')


def make_ravdess(root: Path, layout: str, scale: float, paint: Paint, progress: Progress) -> None:
    """Write `scale` times the takes, each with and without sound, and songs next to them.

    Raises UnknownName for an unknown layout.
    """
    _require_layout("ravdess", layout, ravdess.LAYOUTS)
    totals = {name: len(ravdess_names(name)) for name in ravdess.EIGHT}
    counts = scaled(totals, scale, ravdess.FOLDS)
    takes = [
        (name, label) for label, count in counts.items() for name in _spread(ravdess_names(label), count)
    ]
    for name, frames in _drawn(takes, paint, progress):
        actor = f"Actor_{name[-2:]}"
        if layout == "faces":
            _write_faces(root / actor / f"02-{name}", frames, "{:d}.jpg")
            continue
        folder = root / f"Video_Speech_{actor}" / actor
        folder.mkdir(parents=True, exist_ok=True)
        for modality in ravdess.MODALITIES.values():
            write_video(folder / f"{modality}-{name}.mp4", frames)
        # The archives of songs unpack to folders of the same names.
        write_video(folder / f"02-02{name[2:]}.mp4", frames[:2])


def _write_faces(folder: Path, frames: NDArray[np.uint8], pattern: str) -> None:
    write_frames(folder, frames, [pattern.format(i) for i in range(1, len(frames) + 1)])


def _require_layout(name: str, layout: str, layouts: Sequence[str]) -> None:
    if layout not in layouts:
        raise UnknownName(f"layout of {name}", layout, layouts)
