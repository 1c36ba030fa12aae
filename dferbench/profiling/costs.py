"""What a method costs, as its plugin's package keeps it: counted by `dferbench profile --write`, never typed.

The file stands next to the package's `__init__.py`, so that listing methods needs no torch.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from dferbench.errors import ConfigError
from dferbench.files import write_atomic

NAME = "costs.toml"
CLASSES = 7
"""The classes of a kept cost; other numbers change it by little."""
HEAD = f"# Counted by `dferbench profile --write`: default options, {CLASSES} classes. Do not edit.\n"


@dataclass(frozen=True, slots=True)
class Cost:
    """Parameters, those that any stage trains, MACs of testing one video, and the input:
    frames and the side of each in pixels."""

    parameters: int
    trained: int
    macs: int
    frames: int
    size: int


def file_of(origin: str) -> Path | None:
    """Where the package of a plugin keeps its costs; None for a plugin that is not a package."""
    module = sys.modules.get(origin.split(" (")[0].split(":")[0])
    home = Path(getattr(module, "__file__", None) or "")
    return home.parent / NAME if home.name == "__init__.py" else None


def kept(origin: str, method: str) -> Cost | None:
    """The kept cost of a method that `origin` registered. Raises ConfigError for a damaged file."""
    path = file_of(origin)
    return _read(path).get(method) if path is not None and path.is_file() else None


def keep(origin: str, costs: Mapping[str, Cost]) -> Path:
    """Put the costs of one plugin's methods into its package, next to those of its others.

    Raises ConfigError for a plugin that is not a package, and DferbenchError if the file cannot be written.
    """
    path = file_of(origin)
    if path is None:
        raise ConfigError(f"{origin} is not a package that could keep {NAME}", "Leave --write out.")
    every = {**(_read(path) if path.is_file() else {}), **costs}
    blocks = [
        "".join([f"\n[{name}]\n", *(f"{key} = {value}\n" for key, value in asdict(every[name]).items())])
        for name in sorted(every)
    ]
    write_atomic(path, HEAD + "".join(blocks))
    _read.cache_clear()
    return path


@cache
def _read(path: Path) -> dict[str, Cost]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        return {name: Cost(**{key: int(value) for key, value in one.items()}) for name, one in found.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"cannot read {path}: {error}", "Make it anew: dferbench profile --write."
        ) from error


def short(count: float) -> str:
    """A count as people say it, in three digits: 151,277,313 is "151 M"."""
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= 0.9995 * size:
            return f"{_three(count / size)} {unit}"
    return f"{count:.0f}"


def _three(value: float) -> str:
    return f"{value:.0f}" if value >= 99.95 else f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"
