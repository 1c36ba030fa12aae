"""The contracts of what reads and looks at videos: decoders, face finders, samplers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dferbench.data.decoders.faults import read_by
from dferbench.data.official import write_frames, write_video
from dferbench.data.pipeline import make_sampler
from dferbench.errors import ConfigError, DferbenchError
from dferbench.testing.candidate import Candidate, scramble
from dferbench.testing.outcome import Rule, require
from dferbench.types import Face, Input

LENGTH = 12
"""Frames of the videos that decoders are tried on."""


def moving(frames: int = LENGTH, height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """A bright square that goes from left to right, (T, H, W, 3)."""
    video = np.full((frames, height, width, 3), 40, np.uint8)
    for number in range(frames):
        left = number * (width - 16) // max(1, frames - 1)
        video[number, 16:32, left : left + 16] = 220
    return video


@contextmanager
def _sample(candidate: Candidate, read: Callable[..., Any]) -> Iterator[str]:
    """A file that the decoder reads: the user's, or the first drawn one that it takes.

    Raises ConfigError if it takes none: a decoder of a form of its own needs a sample of it.
    """
    if candidate.sample is not None:
        yield str(candidate.sample)
        return
    reason = ""
    with TemporaryDirectory(prefix="dferbench-") as room:
        for path in _drawn(Path(room)):
            try:
                read_by(read, str(path), [0])
            except DferbenchError as error:
                reason = str(error)
                continue
            yield str(path)
            return
        raise ConfigError(
            f"it reads no MP4, PNG images, WebP or NPY file: {Path(reason).name}",
            "Name a file that it reads: --sample FILE.",
        )


def _drawn(room: Path) -> Iterator[Path]:
    from PIL import Image

    frames = moving()
    write_video(room / "video.mp4", frames)
    yield room / "video.mp4"
    write_frames(room / "frames", frames, [f"{number}.png" for number in range(len(frames))])
    yield room / "frames"
    first, *rest = [Image.fromarray(frame) for frame in frames]
    first.save(room / "video.webp", save_all=True, append_images=rest, lossless=True)
    yield room / "video.webp"
    np.save(room / "video.npy", frames)
    yield room / "video.npy"


def _read(candidate: Candidate) -> Any:
    read = candidate.make()
    require(callable(read), f"build() gave a {type(read).__name__} that cannot be called")
    return read


def decoder_builds(candidate: Candidate) -> None:
    """build() gives read(path, choose)"""
    _read(candidate)


def decoder_frames(candidate: Candidate) -> None:
    """it gives the chosen frames as uint8 RGB, in the order chosen, repeats included"""
    read = _read(candidate)
    with _sample(candidate, read) as path:
        whole = read_by(read, path, range)
        wanted = [len(whole) - 1, 0, 0]
        some = read_by(read, path, wanted)
        same = all(np.array_equal(some[place], whole[number]) for place, number in enumerate(wanted))
        require(same, f"frames {wanted} are not those of the whole video")


def decoder_repeats(candidate: Candidate) -> None:
    """it gives the same frames twice"""
    read = _read(candidate)
    with _sample(candidate, read) as path:
        first, second = (read_by(read, path, [0]) for _ in "ab")
        require(np.array_equal(first[0], second[0]), "frame 0 differs from call to call")


def decoder_complains(candidate: Candidate) -> None:
    """it raises for a file that is missing, damaged, or has not that many frames"""
    read = _read(candidate)
    with _sample(candidate, read) as path, TemporaryDirectory(prefix="dferbench-") as room:
        damaged = Path(room) / f"damaged{Path(path).suffix}"
        damaged.write_bytes(b"no video at all")
        for what, name, choose in (
            ("a missing file", str(Path(room) / "missing.mp4"), [0]),
            ("a damaged file", str(damaged), [0]),
            ("frame 1000000", path, [1_000_000]),
        ):
            try:
                found = read(name, choose)
            except Exception:  # whatever a reader raises is told as the fault of the file
                continue
            raise AssertionError(f"for {what} it gives {len(found)} frames instead of raising VideoError")


DECODER: tuple[Rule[Candidate], ...] = (decoder_builds, decoder_frames, decoder_repeats, decoder_complains)

SIZES = ((96, 128), (128, 96), (24, 24))


def _faces(found: Any) -> Sequence[Face]:
    faces = [] if found is None else [found] if isinstance(found, Face) else found
    require(
        isinstance(faces, Sequence), f"it gave a {type(faces).__name__}, not a Face, a list of them or None"
    )
    return list(faces)


def finder_builds(candidate: Candidate) -> None:
    """build() gives find(frame, video, number), or None for no search"""
    find = candidate.make()
    require(find is None or callable(find), f"build() gave a {type(find).__name__} that cannot be called")


def finder_faces(candidate: Candidate) -> None:
    """it gives a Face, a list of them or None, for frames of any size; a box is finite and not empty"""
    find = candidate.make()
    for height, width in SIZES if find is not None else ():
        for frame in (moving(1, height, width)[0], np.zeros((height, width, 3), np.uint8)):
            for face in _faces(find(frame, "video.mp4", 0)):
                require(isinstance(face, Face), f"it gave a {type(face).__name__}, not a dferbench.Face")
                left, top, right, bottom = face.box
                finite = all(math.isfinite(one) for one in face.box)
                require(
                    finite and left < right and top < bottom, f"the box {face.box} is empty or not finite"
                )


def finder_repeats(candidate: Candidate) -> None:
    """it says the same of the same frame, and leaves the frame as it is"""
    find, frame = candidate.make(), moving(1, 96, 128)[0]
    if find is None:
        return
    given = frame.copy()
    answers = []
    for seed in (0, 1):
        scramble(seed)
        answers.append(_faces(find(given, "video.mp4", 0)))
    require(np.array_equal(given, frame), "it writes into the frame")
    require(answers[0] == answers[1], "it says something else of the same frame the second time")


FINDER: tuple[Rule[Candidate], ...] = (finder_builds, finder_faces, finder_repeats)

COUNTS = (1, 2, 7, 16, 31, 100)
"""Lengths of videos that samplers choose from."""


def _sampler(candidate: Candidate, frames: int = 16) -> Any:
    return make_sampler(Input(frames, 8, sample=candidate.text), candidate.catalog)


def sampler_builds(candidate: Candidate) -> None:
    """build() gives a sampler with random, shuffle and a call, whose indices lie in the video"""
    sampler = _sampler(candidate)
    for name in ("random", "shuffle"):
        value = getattr(sampler, name)
        require(isinstance(value, bool), f"{name} must be true or false, got {value!r}")


def sampler_indices(candidate: Candidate) -> None:
    """for videos of 1 to 100 frames it gives as many indices as are asked for, all within the video"""
    sampler = _sampler(candidate)
    for count in COUNTS:
        found = np.asarray(sampler(count, 16, np.random.default_rng(0)))
        require(found.shape == (16,), f"16 frames of {count}: it chose {found.tolist()}")
        require(found.dtype.kind in "iu", f"16 frames of {count}: they are {found.dtype}, not whole numbers")
        inside = bool((found >= 0).all() and (found < count).all())
        require(inside, f"16 frames of {count}: {found.tolist()} leaves the video")


def sampler_tests(candidate: Candidate) -> None:
    """without a generator it always chooses the same frames"""
    sampler = _sampler(candidate)
    for count in COUNTS:
        answers = []
        for seed in (0, 1):
            scramble(seed)
            answers.append(np.asarray(sampler(count, 16, None)).tolist())
        require(answers[0] == answers[1], f"16 frames of {count}: {answers[0]}, then {answers[1]}")


def sampler_draws(candidate: Candidate) -> None:
    """all that is random comes from the generator, and there is none where random is false"""
    sampler = _sampler(candidate)
    for count in COUNTS:
        answers = []
        for seed in (0, 1):
            scramble(seed)
            answers.append(np.asarray(sampler(count, 16, np.random.default_rng(7))).tolist())
        require(answers[0] == answers[1], f"16 frames of {count}: it draws from elsewhere than the generator")
        if not sampler.random:
            others = [
                np.asarray(sampler(count, 16, np.random.default_rng(seed))).tolist() for seed in range(3)
            ]
            require(all(one == others[0] for one in others), "random is false, and training draws frames")


SAMPLER: tuple[Rule[Candidate], ...] = (sampler_builds, sampler_indices, sampler_tests, sampler_draws)
