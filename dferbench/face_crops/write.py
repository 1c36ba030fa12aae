"""One video to a folder of face crops: what a worker does."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dferbench.data.decoders import stream
from dferbench.data.marks import commented
from dferbench.errors import DferbenchError, VideoError
from dferbench.face_crops.crop import cut
from dferbench.face_crops.follow import follow, same_size
from dferbench.face_crops.look import Finder, make_finder
from dferbench.face_crops.track import Following, Track
from dferbench.registry.catalog import discover

_OURS = re.compile(r"[0-9]{5,}\.jpg")


@dataclass(frozen=True)
class CropJob:
    """A video and what becomes of it: `folder` is where its crops go, `plugins` are the files in which
    `finder` may be registered; `size` is the side of the crops in pixels, `quality` JPEG's."""

    id: str
    path: str
    folder: str
    finder: str
    plugins: tuple[str, ...]
    how: Following
    size: int
    quality: int
    comment: bytes = b""
    """What every crop says of itself: how it was made, and whether its video was drawn."""


@dataclass(frozen=True)
class CroppedFrames:
    """How many crops there are; how often a face was looked for and found; the crop's side in the video's
    pixels, 0 where frames stayed whole; how often the crop jumps; the share of frames far from any
    detection; and what speaks against the crops, in words."""

    frames: int
    looked: int = 0
    found: int = 0
    side: float = 0.0
    jumps: int = 0
    far: float = 0.0
    doubt: str = ""


def write_faces(job: CropJob) -> CroppedFrames:
    """Write the crops as 00001.jpg, 00002.jpg ...; the folder appears when the last one is written.

    Doing it again gives the same bytes. Raises VideoError for a video that cannot be read or shows too few
    faces, and DferbenchError if nothing can be written.
    """
    finder = _finder(job.finder, job.plugins)
    track = follow(job.path, job.id, finder, job.how) if finder is not None else None
    folder, part = Path(job.folder), _part_of(Path(job.folder))
    if folder.is_dir() and not _is_ours(folder):
        raise VideoError(job.path, f"its folder {folder} exists and holds other files than face crops")
    with _writing(folder):
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
    count = _write_all(job, track, part)
    with _writing(folder):
        if folder.exists():
            shutil.rmtree(folder)
        part.rename(folder)
    return _counted(count, track) if track else CroppedFrames(count)


def _counted(count: int, track: Track) -> CroppedFrames:
    side, far = round(track.side, 2), round(track.far, 4)
    return CroppedFrames(count, track.looked, track.found, side, track.jumps, far, track.doubt)


def discard(folder: Path) -> None:
    """Take away what a video that failed left behind, now or earlier: stale crops are worse than none."""
    shutil.rmtree(_part_of(folder), ignore_errors=True)
    if folder.is_dir() and _is_ours(folder):
        shutil.rmtree(folder, ignore_errors=True)


def _part_of(folder: Path) -> Path:
    """Where the crops of an unfinished video lie."""
    return folder.with_name(f".{folder.name}.part")


def _write_all(job: CropJob, track: Track | None, part: Path) -> int:
    import simplejpeg

    count = 0
    for frame in stream(job.path):
        image = frame.image()
        if track is not None:
            same_size(job.path, track.size, image)
        crop = cut(image, track, frame.number, job.size)
        data = simplejpeg.encode_jpeg(crop, quality=job.quality, colorsubsampling="420")
        count += 1
        with _writing(part):
            (part / f"{count:05d}.jpg").write_bytes(commented(data, job.comment))
    return count


@cache
def _finder(text: str, plugins: tuple[str, ...]) -> Finder | None:
    """Built once a worker: a cascade takes longer to read than a short video."""
    return make_finder(text, discover(map(Path, plugins)))


def _is_ours(folder: Path) -> bool:
    return all(_OURS.fullmatch(one.name) for one in folder.iterdir())


@contextmanager
def _writing(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DferbenchError(
            f"cannot write {place}: {error.strerror or error}",
            "Free some space, or choose another --output; run the same command to continue.",
        ) from error
