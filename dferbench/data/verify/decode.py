"""What decoding shows: in processes of their own, since these files may hang or crash a decoder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dferbench.data.decoders import Decoder, Frames, choose_decoder, decord
from dferbench.data.pool import run_each
from dferbench.data.verify.tree import Name
from dferbench.errors import VideoError
from dferbench.progress import Progress
from dferbench.types import Finding

SHARE, LEAST = 0.01, 20
"""The share of the videos that is looked into, and how many at least."""
CHUNK = 16
"""How many frames are held at once."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What decoding gave: the number of frames, the sizes (width, height) met, and after decoding all of it a
    digest. `decord` is the number of frames that decord counts: -1 if it cannot, None if it was not asked."""

    frames: int
    sizes: tuple[tuple[int, int], ...]
    digest: str = ""
    decord: int | None = None


Results = Mapping[str, Decoded | VideoError]
"""By path."""


def sample(paths: Sequence[str], name: Name) -> list[str]:
    """Every hundredth path and twenty at least, the same ones wherever the root lies."""
    count = min(len(paths), max(LEAST, round(SHARE * len(paths))))
    drawn = sorted(paths, key=lambda path: hashlib.sha256(name(path).encode(errors="replace")).digest())
    return drawn[:count]


def decode_all(
    paths: Sequence[str], whole: bool, seconds: float, workers: int, progress: Progress
) -> dict[str, Decoded | VideoError]:
    """Decode each video in the pool: all of it, or its first, middle and last frame."""
    what = "decoding everything" if whole else "decoding a sample"
    few = min(workers, 1 + len(paths) // LEAST)
    with progress.bar(what, len(paths)) as bar:
        return dict(run_each(partial(decode, whole=whole), paths, seconds, few, bar))


def decode(path: str, whole: bool) -> Decoded:
    """Decode one video. The digest covers all frames of a folder; of a file all are decoded, and it covers
    their number and 16 of them, spread evenly. Raises VideoError."""
    digest, sizes, frames = hashlib.sha256(), set(), 0
    for frames, images in _chunks(choose_decoder("pyav"), path, whole):  # noqa: B007
        for image in images:
            sizes.add((image.shape[1], image.shape[0]))
            digest.update(image.tobytes())
    digest.update(f"{frames} {sorted(sizes)}".encode())
    said = decord.count(path) if whole and decord.installed() and Path(path).is_file() else None
    return Decoded(frames, tuple(sorted(sizes)), digest.hexdigest() if whole else "", said)


def _chunks(decoder: Decoder, path: str, whole: bool) -> Iterator[tuple[int, Frames]]:
    """The number of frames, and some frames, until all that are wanted have come."""
    if not whole:
        yield _read(decoder, path, lambda count: sorted({0, count // 2, count - 1}))
    elif Path(path).is_file():
        # A file is decoded to its end whatever is chosen, and holding it whole may take gigabytes.
        yield _read(decoder, path, lambda count: sorted({i * count // CHUNK for i in range(CHUNK)}))
    else:
        count, frames = _read(decoder, path, lambda count: range(min(count, CHUNK)))
        yield count, frames
        for start in range(CHUNK, count, CHUNK):
            yield count, decoder.read(path, range(start, min(start + CHUNK, count)))[0]


def _read(decoder: Decoder, path: str, choose: Callable[[int], Sequence[int]]) -> tuple[int, Frames]:
    counts: list[int] = []

    def note(count: int) -> Sequence[int]:
        counts.append(count)
        return choose(count)

    frames, _ = decoder.read(path, note)
    return counts[-1], frames


def unreadable(results: Results, name: Name) -> Iterator[Finding]:
    """Videos that could not be decoded, each with the reason."""
    found = [f"{name(path)}: {one.reason}" for path, one in results.items() if isinstance(one, VideoError)]
    if found:
        hint = "Replace them; until then, run with --skip-bad leaves them out, and the record says so."
        yield Finding("error", "videos that cannot be decoded", hint, tuple(found))


def mixed_sizes(results: Results, name: Name) -> Iterator[Finding]:
    """Videos whose frames differ in size."""
    found = [
        f"{name(path)}: {', '.join(f'{width}x{height}' for width, height in one.sizes)}"
        for path, one in results.items()
        if isinstance(one, Decoded) and len(one.sizes) > 1
    ]
    if found:
        hint = "Frames are resized one by one; check that all of them come from one way of cropping."
        yield Finding("warning", "videos whose frames differ in size", hint, tuple(found))


def counts(results: Results, name: Name) -> Iterator[Finding]:
    """Where decord counts other frames than come out of PyAV, which is the one that is right."""
    asked = {
        path: one for path, one in results.items() if isinstance(one, Decoded) and one.decord is not None
    }
    found = [
        f"{name(path)}: {one.frames}, decord {'cannot read it' if one.decord < 0 else one.decord}"
        for path, one in asked.items()
        if one.decord is not None and one.decord != one.frames
    ]
    if asked:
        what = f"numbers of frames, PyAV and decord: {len(asked) - len(found)} of {len(asked)} files agree"
        yield Finding("info", what, items=tuple(found))


CHECKS = (unreadable, mixed_sizes, counts)
