"""Writing files so that nobody ever reads half of one, and hashing them."""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from dferbench.errors import DferbenchError


def expand(path: Path | str) -> Path:
    """The path with ~ or ~user at its start replaced; of a user who is not known it stays as it is."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - pathlib's raises for an unknown user


def write_atomic(path: Path, content: bytes | str) -> None:
    """Put `content` at `path` whole or not at all: written next to it, synced, then renamed.

    Raises DferbenchError if the folder cannot be made or written (no permission, disk full).
    """
    data = content.encode() if isinstance(content, str) else content
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files private; results are meant to be shared like any other file.
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise DferbenchError(
            f"cannot write {path}: {error.strerror or error}",
            "Free some space, or choose another folder; what was written before is intact.",
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def to_json(thing: Any) -> str:
    """Stable JSON: sorted keys, one way to write it, refusing NaN."""
    return json.dumps(thing, sort_keys=True, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


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
    kind = path.lstat().st_mode
    if not stat.S_ISREG(kind):
        what = "a link" if stat.S_ISLNK(kind) else "a folder" if stat.S_ISDIR(kind) else "a pipe or a device"
        raise OSError(f"it is {what}, not a regular file")
    # Should a pipe take the file's place meanwhile, opening it does not wait.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        size = os.fstat(handle).st_size
        if size > limit:
            raise OSError(f"it is larger than {limit // 2**20} MB")
        return file.read(size)


def digest(thing: Any) -> str:
    """The sha256 of a thing's stable JSON, as 64 hex digits."""
    return hashlib.sha256(to_json(thing).encode()).hexdigest()


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
