"""Text files that people write or hand on: only regular files, of a stated size and nesting.

A pipe would be waited for, a device never ends, and a hundred thousand brackets break the parsers of Python.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dferbench.files import open_regular

MOST_BYTES = 1 << 26
"""A file of text at most: a list of a million videos has 40 MB."""
MOST_TOML = 1 << 22
"""TOML at most; it is read at about a megabyte a second."""
DEEPEST = 50
"""How deep tables and lists may be nested."""


def read_text(path: Path, most: int = MOST_BYTES) -> str:
    """The text of a regular file, UTF-8 with or without a mark of the byte order.

    Raises OSError for what is no regular file or larger than `most` bytes, UnicodeDecodeError for other text.
    """
    with open_regular(path) as (file, size):
        if size > most:
            raise OSError(f"it is larger than {most >> 20} MiB")
        return file.read(most).decode("utf-8-sig")


def from_toml(text: str) -> dict[str, Any]:
    """What TOML says. Raises ValueError for what is none, or is nested too deeply."""
    too_deep = ValueError(f"it is nested more than {DEEPEST} deep")
    if len(text) > MOST_TOML:
        raise ValueError(f"it is longer than {MOST_TOML >> 20} MiB")
    try:
        found = tomllib.loads(text)
    except RecursionError:
        raise too_deep from None
    if _deeper_than(found, DEEPEST):
        raise too_deep
    return found


def _deeper_than(thing: Any, most: int) -> bool:
    """Level by level, since a function that calls itself is what deep nesting breaks."""
    level = [thing]
    for _ in range(most + 1):
        mappings = [value for one in level if isinstance(one, Mapping) for value in one.values()]
        lists = [value for one in level if isinstance(one, list) for value in one]
        level = [one for one in (*mappings, *lists) if isinstance(one, Mapping | list)]
        if not level:
            return False
    return True
