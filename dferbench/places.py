"""Where things lie on the user's machine: dataset roots and the configuration that remembers them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from dferbench.configuration import config_file as config_file
from dferbench.configuration import values
from dferbench.documents import read_text
from dferbench.errors import ConfigError, DataError
from dferbench.files import expand, write_atomic
from dferbench.types import Dataset

MADE = "MADE-BY-DFERBENCH.txt"
"""Lies in a folder of videos that were drawn by a program; results on any below it count as synthetic."""

MANY = 100
"""Folders next to each other that are videos, not parts of a release."""


def is_made(root: Path) -> bool:
    """Whether the folder, or one around it, is marked as drawn by a program."""
    whole = root.absolute()
    return any((folder / MADE).is_file() for folder in (whole, *whole.parents, *whole.resolve().parents))


def holds_made(root: Path, depth: int = 3) -> bool:
    """Whether the folder, one around it, or one a few levels below it is marked as drawn by a program.

    A quick look for lists of datasets, which opens no video and no folder of many entries.
    """
    if is_made(root):
        return True
    try:
        inside = [path for path in root.iterdir() if path.is_dir()] if depth else []
    except OSError:
        return False
    return len(inside) <= MANY and any(holds_made(path, depth - 1) for path in inside)


def cache_folder() -> Path:
    """$DFERBENCH_CACHE, or the folder that this system has for what can be made again."""
    return Path(os.environ.get("DFERBENCH_CACHE") or platformdirs.user_cache_dir("dferbench"))


def data_folder() -> Path:
    """Where what this user has found out is kept: the user's folder for data, or $DFERBENCH_HOME."""
    return Path(os.environ.get("DFERBENCH_HOME") or platformdirs.user_data_dir("dferbench"))


def _read_config() -> str:
    path = config_file()
    try:
        return read_text(path) if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", "Fix or remove it.") from error


def _no_roots(error: object) -> ConfigError:
    return ConfigError(f"{config_file()} is not a valid configuration: {error}", "Fix or remove it.")


def link(name: str, root: Path | None) -> Path:
    """Remember the dataset's root in the user's configuration, or forget it, and return that file.

    Comments and everything else in the file stay. Raises ConfigError for a file that is not valid, and for
    a root to be forgotten that was never remembered.
    """
    file = config_file()
    with alone(file):
        _link(file, name, root)
    return file


def _link(file: Path, name: str, root: Path | None) -> None:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        config = tomlkit.parse(_read_config())
        roots = config.setdefault("roots", tomlkit.table())
        if root is not None:
            roots[name] = str(root)
        elif name in roots:
            roots.remove(name)
        else:
            raise ConfigError(f"{file} has no root of {name}", "dferbench data ls shows what is linked.")
    except (TOMLKitError, AttributeError, TypeError) as error:
        raise _no_roots(error) from error
    # A link may lead to where the user keeps such files: it stays, and what it leads to is written.
    write_atomic(file.resolve(), tomlkit.dumps(config))


@contextmanager
def alone(path: Path, wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """In this block is one process at a time for each path; `wait` is called if another one is there already.

    The lock ends with its process, however that ends. Its file lies in the user's cache, so that none lies
    among the user's own; where that cannot be written or locked, nobody waits.
    """
    import filelock

    lock = filelock.FileLock(
        cache_folder() / "locks" / hashlib.sha256(os.fsencode(path.resolve())).hexdigest()
    )
    with suppress(OSError, NotImplementedError):
        Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            wait()
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


@dataclass(frozen=True)
class Place:
    """Where a dataset lies, and what says so; it need not exist."""

    root: Path
    source: str


def place_of(name: str, dataset: Dataset, given: Path | None = None) -> Place | None:
    """The dataset's place: what was given, $DFERBENCH_ROOT_<NAME>, what is configured, or its own default.

    None if none of them names one. Raises ConfigError for a config that is not valid.
    """
    variable = f"DFERBENCH_ROOT_{name.upper().replace('-', '_')}"
    if given is not None:
        return Place(expand(given), "--root")
    if stated := os.environ.get(variable):
        return Place(expand(stated), f"${variable}")
    if configured := values("roots").get(name):
        return Place(expand(configured.value), configured.source)
    default = dataset.default_root()
    return Place(default, "default") if default is not None else None


def root_of(name: str, dataset: Dataset, given: Path | None) -> Path:
    """The dataset's root: what was given, $DFERBENCH_ROOT_<NAME>, the user's config, or its own default.

    Raises DataError if there is none or it is not a folder (a dataset's own default may not exist yet).
    """
    place = place_of(name, dataset, given)
    if place is None:
        raise DataError(f"the root folder of {name} is not known", f"Use --root DIR. {dataset.where}".strip())
    if place.source != "default" and not place.root.is_dir() and not dataset.synthetic:
        raise DataError(
            f"the root of {name}, {place.root}, is not a folder", f"Use --root DIR. {dataset.where}".strip()
        )
    return place.root
