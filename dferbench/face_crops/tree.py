"""Which videos lie below a folder: files, and folders of frame images."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dferbench.data.decoders.endings import IMAGES, VIDEOS
from dferbench.errors import DataError


@dataclass(frozen=True)
class Found:
    """A video: its path below the searched folder without suffix, with "/", and where it lies.

    `fault` says why it must not be read, if so.
    """

    id: str
    path: Path
    fault: str = ""


def without_suffix(name: str) -> str:
    """A video's name without the ending of a video file; other dots stay."""
    path = PurePosixPath(name.replace(os.sep, "/"))
    return str(path.with_suffix("")) if path.suffix.lower() in VIDEOS else str(path)


def find_videos(source: Path, leave_out: Path | None = None) -> list[Found]:
    """The videos at or below `source`, in the order of their names; `leave_out` is a folder not to enter.

    Links out of `source` are not followed: such videos come with a fault. Raises DataError if there is no
    video, and if two would get the same name.
    """
    if not source.exists():
        raise DataError(
            f"{source} does not exist", "Give a video file, a folder of frames, or a folder of them."
        )
    root = source.resolve()
    if root.is_file():
        return [_legible(Found(without_suffix(source.name), source))]
    found = sorted(map(_legible, _below(root, leave_out and leave_out.resolve())), key=lambda one: one.id)
    if not found:
        raise DataError(
            f"there is no video in {source}",
            f"Videos are folders of images, and files that end in {', '.join(VIDEOS)}.",
        )
    _require_own_names(found)
    return found


def _below(root: Path, leave_out: Path | None) -> Iterator[Found]:
    closed: list[OSError] = []
    for folder, folders, files in os.walk(root, onerror=closed.append):
        here = Path(folder)
        folders[:] = [f for f in folders if not f.startswith(".") and here / f != leave_out]
        for name in [f for f in folders if (here / f).is_symlink()]:
            if _leads_out(here / name, root):
                yield Found(_id(here / name, root), here / name, _fault(root))
        yield from _in_folder(here, [name for name in sorted(files) if not name.startswith(".")], root)
    for error in closed:
        place = Path(error.filename)
        yield Found(_id(place, root), place, f"the folder cannot be listed ({error.strerror})")


def _in_folder(here: Path, files: list[str], root: Path) -> Iterator[Found]:
    """The video files of a folder; without any, its images are the frames of one video."""
    videos = [name for name in files if Path(name).suffix.lower() in VIDEOS]
    for name in videos:
        yield Found(
            _id(here / name, root), here / name, _fault(root) if _leads_out(here / name, root) else ""
        )
    images = [] if videos else [here / name for name in files if name.lower().endswith(IMAGES)]
    if images:
        out = any(_leads_out(image, root) for image in images)
        yield Found(_id(here, root), here, _fault(root) if out else "")


def printable(path: Path | str) -> str:
    """A path as text that can be written anywhere: bytes that are no UTF-8 are shown as \\x.."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _legible(one: Found) -> Found:
    """The same, unless its name is not text, which no report could hold."""
    try:
        one.id.encode()
    except UnicodeEncodeError:
        return Found(printable(one.id), one.path, "its name is not valid UTF-8: rename it")
    return one


def _id(path: Path, root: Path) -> str:
    return root.name if path == root else without_suffix(path.relative_to(root).as_posix())


def _leads_out(path: Path, root: Path) -> bool:
    try:
        return path.is_symlink() and not path.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):  # a link to nothing or to itself: RuntimeError before Python 3.13
        return True


def _fault(root: Path) -> str:
    return f"it is, or holds, a link that leads out of {root} or nowhere"


def _require_own_names(found: list[Found]) -> None:
    """Every video needs a folder of its own for its frames. Raises DataError."""
    owners: dict[str, Path] = {}
    for one in found:
        if one.id in owners:
            raise _clash(owners[one.id], one.path)
        owners[one.id] = one.path
    for one in found:
        for parent in PurePosixPath(one.id).parents:
            if str(parent) in owners:
                raise _clash(owners[str(parent)], one.path)


def _clash(first: Path, second: Path) -> DataError:
    return DataError(f"{first} and {second} would share one folder of frames", "Rename or move one of them.")
