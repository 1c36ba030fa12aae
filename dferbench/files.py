"""Writing files so that nobody ever reads half of one, and hashing them."""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO, Any, NoReturn

from dferbench.errors import DferbenchError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

UNFINISHED = ".unfinished"
"""Ends the names of files that are being written."""


def expand(path: Path | str) -> Path:
    """The path with ~ or ~user at its start replaced; of a user who is not known it stays as it is."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - pathlib's raises for an unknown user


def write_atomic(path: Path, content: bytes | memoryview | str) -> None:
    """Put `content` at `path` whole or not at all: written next to it, synced, then renamed.

    What earlier calls for that path left, in processes that were killed, is swept away. Raises DferbenchError
    if the folder cannot be made or written (no permission, disk full).
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        with _beside(path) as (file, temporary):
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            # mkstemp makes files private; results are meant to be shared like any other file.
            temporary.chmod(0o666 & ~_umask())
            if fcntl is None:
                file.close()  # Windows renames no open file
            temporary.replace(path)
    except OSError as error:
        raise DferbenchError(
            f"cannot write {path}: {error.strerror or error}",
            "Free some space, or choose another folder; what was written before is intact.",
        ) from error


@contextmanager
def _beside(path: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """A new file next to `path`, gone in the end unless it was renamed, and locked while it is open: the
    system ends a lock with its process, on whichever machine or in whichever container."""
    while True:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=UNFINISHED, dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                _lock(handle, wait=True)
                if temporary.exists():  # not swept away before it was locked
                    yield file, temporary
                    return
        finally:
            temporary.unlink(missing_ok=True)


def _sweep(path: Path) -> None:
    """Remove the unfinished files of `path` that no living process holds."""
    names: list[str] = []
    with suppress(OSError), os.scandir(path.parent) as entries:
        names += [entry.name for entry in entries if entry.name.startswith(f".{path.name}.")]
    for name in names:
        if name.endswith(UNFINISHED):
            with suppress(OSError), (path.parent / name).open("rb+") as file:
                if _lock(file.fileno(), wait=False):
                    (path.parent / name).unlink()  # which Windows refuses while another process has it open


def _lock(handle: int, *, wait: bool) -> bool:
    """Lock an open file for this process alone; whether that worked, as it does wherever there are no locks
    but the system keeps open files. A file system without locks has nothing swept."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def require_writable(folder: Path) -> None:
    """Files can be written into the folder, which need not exist; nothing stays behind.

    Raises DferbenchError.
    """
    there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    if not there.is_dir():
        raise DferbenchError(
            f"cannot write into {folder}: {there} is not a folder", "Use --output DIR, a folder of your own."
        )
    try:
        with tempfile.TemporaryDirectory(prefix=".dferbench-", dir=there) as inside:
            (Path(inside) / "file").write_bytes(b"written")
    except OSError as error:
        raise DferbenchError(
            f"cannot write into {folder}: {error.strerror or error}",
            "Use --output DIR, a folder that you may write and whose disk has room.",
        ) from error


@cache
def _umask() -> int:
    # Asked once: to ask is to change it for a moment, for every thread that makes a file just then.
    mask = os.umask(0)
    os.umask(mask)
    return mask


def to_json(thing: Any) -> str:
    """Stable JSON: sorted keys, one way to write it, refusing NaN."""
    return json.dumps(thing, sort_keys=True, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def json_text(thing: Any, indent: int | None = None) -> str:
    """JSON for others to read: what is not a finite number is null, as JSON has no word for it, and what is
    neither number, text, list nor mapping is its text."""
    return json.dumps(finite(thing), indent=indent, allow_nan=False, default=str)


def finite(thing: Any) -> Any:
    """The same, with None in place of every number that is not finite."""
    if isinstance(thing, float):
        return thing if math.isfinite(thing) else None
    if isinstance(thing, Mapping):
        return {key: finite(value) for key, value in thing.items()}
    return [finite(value) for value in thing] if isinstance(thing, list | tuple) else thing


def from_json(text: bytes | str) -> Any:
    """What JSON says, refusing what is not JSON or says two things: NaN, infinities, numbers beyond a double,
    a name twice in one object, nesting without end. Raises ValueError."""
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise ValueError(f"'{twice[:80]}' stands twice in one object")
    return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a number")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _no_number(text[:80])


def read_regular(path: Path, limit: int) -> bytes:
    """The bytes of a regular file of at most `limit` bytes: no link, pipe or device, which could lead
    elsewhere or never end. Raises OSError if it is none, or cannot be read."""
    kind = os.lstat(path).st_mode
    if not stat.S_ISREG(kind):
        what = "a link" if stat.S_ISLNK(kind) else "a folder" if stat.S_ISDIR(kind) else "a pipe or a device"
        raise OSError(f"it is {what}, not a regular file")
    # Thousands of records are read at once: without a file object each takes a third of the time.
    handle = os.open(path, _READ)
    try:
        size = _size_of(handle)
        if size > limit:
            raise OSError(f"it is larger than {limit // 2**20} MB")
        return _read(handle, size)
    finally:
        os.close(handle)


# Should a pipe lie there, opening it does not wait.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def _size_of(handle: int) -> int:
    facts = os.fstat(handle)
    if not stat.S_ISREG(facts.st_mode):
        raise OSError("it is a folder, a pipe or a device, not a file")
    return facts.st_size


def _read(handle: int, size: int) -> bytes:
    """At most so many bytes: one call reads at most 2 GB, and may be interrupted."""
    content = os.read(handle, size)
    while len(content) < size and (more := os.read(handle, size - len(content))):
        content += more
    return content


@contextmanager
def open_regular(path: Path) -> Iterator[tuple[IO[bytes], int]]:
    """A regular file or what a link leads to, opened for reading, and its size in bytes. Raises OSError if it
    is none."""
    handle = os.open(path, _READ)
    with os.fdopen(handle, "rb") as file:
        yield file, _size_of(handle)


def digest(thing: Any) -> str:
    """The sha256 of a thing's stable JSON, as 64 hex digits."""
    return hashlib.sha256(to_json(thing).encode()).hexdigest()


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
