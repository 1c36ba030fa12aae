"""Whether dferbench can write where it must."""

from __future__ import annotations

import tempfile
from pathlib import Path

from dferbench.doctor.finding import Finding, tried
from dferbench.errors import ConfigError, DferbenchError


def writable(name: str, folder: Path, hint: str) -> Finding:
    """Whether files can be written into the folder, which need not exist; nothing stays behind."""
    return tried(name, hint, lambda: _written(folder))


def _written(folder: Path) -> str:
    there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    if not there.is_dir():
        raise ConfigError(f"cannot write into {folder}: {there} is not a folder")
    try:
        with tempfile.TemporaryDirectory(prefix=".dferbench-doctor-", dir=there) as inside:
            (Path(inside) / "file").write_bytes(b"written")
    except OSError as error:
        raise DferbenchError(f"cannot write into {folder}: {error.strerror or error}") from error
    return f"{folder}{'' if folder.exists() else ' (made when needed)'}"
