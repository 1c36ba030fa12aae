"""The methods of this project and the backbones that they use. Every folder is a plugin of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dferbench import hookimpl


@hookimpl
def plugin_modules() -> Sequence[str]:
    """Every folder but `layers`, which holds what several methods share."""
    folders = (path.parent for path in Path(__file__).parent.glob("*/__init__.py"))
    return sorted(f"{__name__}.{folder.name}" for folder in folders if folder.name != "layers")
