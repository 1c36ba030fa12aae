"""What decoding shows: in processes of their own, since these files may hang or crash a decoder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

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
WITNESS = "decord"
"""A reader of other make, whose frames are compared with those of a run where it can read the file."""
TOLERANCE = 2
"""Grey levels that two readers of one video may differ by: FFmpeg's releases convert colours unequally."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What decoding gave: the number of frames, the sizes (width, height) met, and after decoding all of it a
    digest. `witness` says in words in what decord reads something else than a run does, and is empty if it
    does not; None if it was not asked, or refuses the file."""

    frames: int
    sizes: tuple[tuple[int, int], ...]
    digest: str = ""
    witness: str | None = None


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
    few = min(workers, 1 + len(paths) // LEAST)
    with progress.bar("decoding everything" if whole else "decoding a sample", len(paths)) as bar:
        each = run_each(partial(decode, whole=whole), paths, seconds, few, bar, option="--timeout")
        results = dict(each)
    read = [path for path, one in results.items() if isinstance(one, Decoded) and Path(path).is_file()]
    if not read or not decord.installed():
        return results
    # Another time over, since what hangs or crashes the witness says nothing about a run.
    with progress.bar("comparing with decord", len(read)) as bar:
        for path, words in run_each(partial(witness, whole=whole), read, seconds, few, bar):
            one = results[path]
            if isinstance(words, str | None) and isinstance(one, Decoded):
                results[path] = replace(one, witness=words)
    return results


def decode(path: str, whole: bool) -> Decoded:
    """Decode one video the way a run does.

    The digest covers all frames of a folder; of a file all are decoded, and it covers their number and 16 of
    them, spread evenly. Raises VideoError.
    """
    seen = _file(path, whole) if Path(path).is_file() else _folder(path, whole)
    return seen if whole else replace(seen, digest="")


def _file(path: str, whole: bool) -> Decoded:
    """A file is decoded to its end whatever is chosen, and holding it whole may take gigabytes."""
    count, frames, _ = _read(choose_decoder(), path, _spread if whole else _three)
    return _summary(count, [frames])


def witness(path: str, whole: bool) -> str | None:
    """In what decord disagrees with what a run reads of a file; None if it does not read it."""
    choose = _spread if whole else _three
    try:
        other, pixels, reader = _read(choose_decoder(WITNESS), path, choose)
    except VideoError:
        return None
    if reader != WITNESS:
        return None
    count, frames, _ = _read(choose_decoder(), path, choose)
    return _difference(count, frames, other, pixels, choose(count))


def _folder(path: str, whole: bool) -> Decoded:
    """Some frames at a time, until all that are wanted have come."""
    decoder = choose_decoder()
    if not whole:
        count, frames, _ = _read(decoder, path, _three)
        return _summary(count, [frames])
    count, first, _ = _read(decoder, path, lambda count: range(min(count, CHUNK)))
    rest = (
        decoder.read(path, range(start, min(start + CHUNK, count)))[0] for start in range(CHUNK, count, CHUNK)
    )
    return _summary(count, chain([first], rest))


def _three(count: int) -> list[int]:
    return sorted({0, count // 2, count - 1})


def _spread(count: int) -> list[int]:
    return sorted({i * count // CHUNK for i in range(CHUNK)} | {count - 1})


def _summary(count: int, groups: Iterable[Frames]) -> Decoded:
    digest, sizes = hashlib.sha256(), set()
    for image in chain.from_iterable(groups):
        sizes.add((image.shape[1], image.shape[0]))
        digest.update(image.tobytes())
    digest.update(f"{count} {sorted(sizes)}".encode())
    return Decoded(count, tuple(sorted(sizes)), digest.hexdigest())


def _difference(count: int, frames: Frames, other: int, pixels: Frames, numbers: Sequence[int]) -> str:
    """In what the `other` number of frames, and its `pixels`, are not those of a run."""
    import numpy as np

    if count != other:
        return f"{count} frames, decord reads {other}"
    worst = {
        number: _distance(np.asarray(one, np.int16), np.asarray(two, np.int16))
        for number, one, two in zip(numbers, frames, pixels, strict=True)
    }
    wrong = [number for number, levels in worst.items() if levels > TOLERANCE]
    return f"frames {', '.join(map(str, wrong))} look otherwise by decord" if wrong else ""


def _distance(one: Any, two: Any) -> float:
    """The largest difference in grey levels; infinite for images of different sizes."""
    return float(abs(one - two).max()) if one.shape == two.shape else float("inf")


def _read(decoder: Decoder, path: str, choose: Callable[[int], Sequence[int]]) -> tuple[int, Frames, str]:
    """The true number of frames, the chosen ones, and the name of their reader."""
    counts: list[int] = []

    def note(count: int) -> Sequence[int]:
        counts.append(count)
        return choose(count)

    frames, reader = decoder.read(path, note)
    return counts[-1], frames, reader


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


def readers(results: Results, name: Name) -> Iterator[Finding]:
    """Files that two readers of different make show in different ways: one of them is wrong."""
    asked = {
        path: one.witness
        for path, one in results.items()
        if isinstance(one, Decoded) and one.witness is not None
    }
    found = [f"{name(path)}: {words}" for path, words in asked.items() if words]
    if found:
        hint = "A run shows what PyAV reads. Look at these files in a player, and encode them anew."
        yield Finding("warning", "videos that PyAV and decord read differently", hint, tuple(found))
    if asked:
        what = f"pixels of sampled frames, PyAV and decord: {len(asked) - len(found)} of {len(asked)} agree"
        yield Finding("info", what)


CHECKS = (unreadable, mixed_sizes, readers)
