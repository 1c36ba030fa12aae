"""Names of registered things: they become folders, file names and words of the command line."""

from __future__ import annotations

import re
from typing import Any

LONGEST = 64
_NAME = re.compile(r"[A-Za-z](?:[\w.-]*\w)?")


def require_name(noun: str, name: Any) -> None:
    """Raises TypeError for a name that is not text, ValueError for one that cannot be written as it is."""
    if not isinstance(name, str):
        raise TypeError(f"the name of a {noun} must be text, got {name!r}")
    if len(name) > LONGEST or not _NAME.fullmatch(name):
        raise ValueError(
            f"the {noun} name {name[:LONGEST]!r} must begin with a letter and hold letters, digits, "
            f"dots, hyphens and underscores, {LONGEST} at most"
        )
