"""Which dferbench, on which Python and system: what of a result's environment needs no torch."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path
from typing import Any

import dferbench


def software() -> dict[str, Any]:
    """Versions, system, and the commit if dferbench runs from a checkout ("dirty" if changed)."""
    commit = _git("rev-parse", "HEAD")
    return {
        "dferbench": dferbench.__version__,
        "git": commit,
        "dirty": bool(commit and _git("status", "--porcelain", "--untracked-files=no")),
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def _git(*words: str) -> str:
    """What git says of this package's own checkout, or "" if there is none or no git."""
    folder = Path(dferbench.__file__).parent
    if not (folder.parent / ".git").exists():
        return ""
    try:
        command = ["git", "-C", str(folder), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
