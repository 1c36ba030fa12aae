"""Finding a release's folders, however they were unpacked, and indexing videos without opening any."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from dferbench.data.decoders.endings import IMAGES, VIDEOS
from dferbench.errors import DataError

ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".gz", ".001")
JUNK = ("thumbs.db", "__macosx", "desktop.ini")


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """What lies in a folder, by name, without other systems' leftovers. Raises DataError."""
    try:
        with os.scandir(folder) as found:
            kept = [e for e in found if not e.name.startswith(".") and e.name.lower() not in JUNK]
    except OSError as error:
        raise DataError(f"{folder} cannot be listed ({error.strerror})", "Check its permissions.") from error
    return sorted(kept, key=lambda entry: entry.name)


def descend(folder: Path, known: Callable[[str], bool], depth: int = 3) -> Path:
    """The folder below which a release begins: down through folders that hold one folder and nothing known.

    Archives often unpack into a folder of their own name within one of nearly the same name.
    """
    for _ in range(depth):
        inside = entries(folder)
        folders = [entry for entry in inside if entry.is_dir()]
        if any(known(entry.name) for entry in inside) or len(folders) != 1:
            break
        folder = Path(folders[0].path)
    return folder


def find_folder(root: Path, names: Iterable[str], depth: int = 2) -> Path | None:
    """The first folder of one of these names (in any case) at most `depth` levels below the root.

    A folder of the same name inside it, and nothing else, is the real one.
    """
    wanted = [name.lower() for name in names]
    found = {name: path for path in _folders(root, depth) for name in [path.name.lower()] if name in wanted}
    for name in wanted:
        if name in found:
            return descend(found[name], lambda inner: inner.lower() not in wanted, depth=1)
    return None


def _folders(root: Path, depth: int) -> Iterator[Path]:
    """Folders below the root, the deepest first, so that in a mapping by name the highest stays."""
    inside = [Path(entry.path) for entry in entries(root) if entry.is_dir()]
    if len(inside) > 200:  # a folder of videos, not of parts of a release
        return
    if depth > 1:
        for folder in inside:
            yield from _folders(folder, depth - 1)
    yield from inside


def archives(root: Path) -> list[str]:
    """The names of packed files in the root and at most two levels below it."""
    folders = [root, *_folders(root, 2)]
    return sorted({e.name for f in folders for e in entries(f) if e.name.lower().endswith(ARCHIVES)})


def count_images(folder: Path) -> int:
    """How many frames lie in a folder, from their names alone. Raises DataError."""
    return sum(entry.name.lower().endswith(IMAGES) for entry in entries(folder))


def index(folder: Path, key: Callable[[str], str | None], depth: int = 2) -> dict[str, list[Path]]:
    """Videos by id: files and folders whose name `key` recognises, up to `depth` folders down.

    `key` takes a name without its video suffix. A recognised folder is a video and is not looked into.
    """
    found: dict[str, list[Path]] = {}
    for entry in entries(folder):
        is_folder = entry.is_dir()
        stem, suffix = os.path.splitext(entry.name)  # noqa: PTH122 - no Path for each of 40,000 names
        if not is_folder and suffix.lower() not in VIDEOS:
            continue
        name = key(entry.name if is_folder else stem)
        if name is not None:
            found.setdefault(name, []).append(Path(entry.path))
        elif is_folder and depth > 1:
            for inner, paths in index(Path(entry.path), key, depth - 1).items():
                found.setdefault(inner, []).extend(paths)
    return found


def only(found: dict[str, list[Path]], what: str) -> dict[str, Path]:
    """One path an id: of equal copies the first. Raises DataError for an id with unequal ones."""
    for name, paths in found.items():
        if len(paths) > 1 and len({_size(path) for path in paths}) > 1:
            raise DataError(
                f"{what} {name} lies in two places: {paths[0]} and {paths[1]}", "Remove or move one of them."
            )
    return {name: paths[0] for name, paths in found.items()}


def _size(path: Path) -> int:
    """How many images a folder holds, or the size of a file."""
    return len(entries(path)) if path.is_dir() else path.stat().st_size
