"""What lies on the disk: each video's folder listed once, and one image header read. Nothing is decoded."""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from dferbench.data.decoders.endings import IMAGES
from dferbench.data.decoders.frame_names import doubled, in_order, natural_order
from dferbench.progress import Bar

STUB = b"version https://git-lfs"
STUB_BYTES = 200
"""A stub of git LFS is smaller than this."""


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One video on the disk; for a video file nothing is known of its frames.

    `trouble` says why it cannot be read. `first` and `last` are the frame numbers in the names, -1 without.
    `empty` and `stubs` are names of frames that have zero bytes or are stubs of git LFS; `size` is the
    (width, height) of one good frame.
    """

    path: str
    trouble: str = ""
    frames: int = 0
    first: int = -1
    last: int = -1
    suffixes: tuple[str, ...] = ()
    natural: bool = True
    """Whether plain string order is that of the frames."""
    empty: tuple[str, ...] = ()
    stubs: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    outside: bool = False
    """Whether it, or a frame of it, really lies outside the root."""

    @property
    def gaps(self) -> int:
        """How many frame numbers between the first and the last are missing."""
        return max(0, self.last - self.first + 1 - self.frames) if self.first >= 0 else 0


def survey(paths: Iterable[str], root: Path, bar: Bar) -> list[Surveyed]:
    """What there is of each video, in order; what cannot be read is a fact like any other."""
    inside = os.path.realpath(root)
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, about large images: only headers are read
        for path in paths:
            found.append(look(path, inside))
            bar.advance()
    return found


def look(path: str, inside: str) -> Surveyed:
    """What there is of one video; `inside` is the real path of the root."""
    try:
        facts = Path(path).stat()
        outside = _leaves(path, inside)
    except FileNotFoundError:
        return Surveyed(path, trouble="there is nothing")
    except (OSError, ValueError) as error:
        return Surveyed(path, trouble=getattr(error, "strerror", None) or str(error))
    if stat.S_ISDIR(facts.st_mode):
        seen = _folder(path, inside)
        return replace(seen, outside=outside or seen.outside)
    return Surveyed(path, trouble=_no_video(path, facts), outside=outside)


def _no_video(path: str, facts: os.stat_result) -> str:
    """Why what is not a folder can be no video, as far as can be told without opening it; or nothing."""
    if not stat.S_ISREG(facts.st_mode):
        return "it is neither a file nor a folder"
    if not facts.st_size:
        return "the file is empty"
    return "it is a stub of git LFS" if _is_stub(path, facts.st_size) else ""


def _leaves(path: str, inside: str) -> bool:
    real = os.path.realpath(path)
    return real != inside and not real.startswith(inside.rstrip(os.sep) + os.sep)


def _folder(path: str, inside: str) -> Surveyed:
    try:
        with os.scandir(path) as entries:
            images = {entry.name: entry for entry in entries if _is_frame(entry)}
            sizes = {name: entry.stat().st_size for name, entry in images.items()}
    except OSError as error:
        return Surveyed(path, f"the folder cannot be listed ({error.strerror})")
    if not images:
        return Surveyed(path, "the folder holds no images")
    names = sorted(images)
    if two := doubled(names):
        return Surveyed(path, f"two images for one frame, such as {two[0]} and {two[1]}", frames=len(names))
    keys = [natural_order(name) for name in names]
    numbers = [key[-2][0] for key in keys if len(key) > 1]  # the last digits of each name
    empty = tuple(name for name in names if not sizes[name])
    stubs = tuple(name for name in names if _is_stub(f"{path}/{name}", sizes[name]))
    bad = {*empty, *stubs}
    good = next((name for name in names if name not in bad), None)
    trouble, size = _header(f"{path}/{good}") if good else ("all its frames are empty files or stubs", None)
    return Surveyed(
        path,
        trouble=trouble,
        frames=len(names),
        first=min(numbers, default=-1),
        last=max(numbers, default=-1),
        suffixes=tuple(sorted({name.rpartition(".")[2].lower() for name in names})),
        natural=names == in_order(names),
        empty=empty,
        stubs=stubs,
        size=size,
        outside=any(e.is_symlink() and _leaves(e.path, inside) for e in images.values()),
    )


def _is_frame(entry: os.DirEntry[str]) -> bool:
    return entry.name.lower().endswith(IMAGES) and not entry.name.startswith(".") and entry.is_file()


def _is_stub(path: str, size: int) -> bool:
    if not 0 < size < STUB_BYTES:
        return False
    try:
        with Path(path).open("rb") as file:
            return file.read(len(STUB)) == STUB
    except OSError:
        return False


def _header(path: str) -> tuple[str, tuple[int, int] | None]:
    """Why the image cannot be opened, or its width and height."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return "", image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = str(error).replace(repr(path), "it")
        return f"a frame's header cannot be read ({reason})", None
