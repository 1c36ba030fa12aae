"""Whether dferbench can write where it must."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dferbench.doctor.finding import Finding, tried
from dferbench.files import require_writable


def writable(name: str, folder: Path, hint: str) -> Finding:
    """Whether files can be written into the folder, which need not exist; nothing stays behind."""
    found = tried(name, hint, lambda: _written(folder))
    return found if found.state == "ok" else replace(found, hint=hint)


def _written(folder: Path) -> str:
    require_writable(folder)
    return f"{folder}{'' if folder.exists() else ' (made when needed)'}"
