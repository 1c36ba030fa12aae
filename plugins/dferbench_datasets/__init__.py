"""The datasets of this project. Every folder is a plugin of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dferbench import hookimpl


@hookimpl
def plugin_modules() -> Sequence[str]:
    """Every folder."""
    folders = (path.parent for path in Path(__file__).parent.glob("*/__init__.py"))
    return sorted(f"{__name__}.{folder.name}" for folder in folders)
