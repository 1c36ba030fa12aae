"""Writing files so that nobody ever reads half of one, and hashing them."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def to_json(thing: Any) -> str:
    """Stable JSON: sorted keys, one way to write it, refusing NaN."""
    return json.dumps(thing, sort_keys=True, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def digest(thing: Any) -> str:
    """The sha256 of a thing's stable JSON, as 64 hex digits."""
    return hashlib.sha256(to_json(thing).encode()).hexdigest()


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
