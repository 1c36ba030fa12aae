"""Where things lie on the user's machine: dataset roots and the configuration that remembers them."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import platformdirs

from dferbench.errors import ConfigError, DataError
from dferbench.types import Dataset

MADE = "MADE-BY-DFERBENCH.txt"
"""Lies in the root of a release that `dferbench data make` drew; results on it count as synthetic."""


def is_made(root: Path) -> bool:
    """Whether the release was drawn by a program."""
    return (root / MADE).is_file()


def config_file() -> Path:
    """`config.toml` in the user's configuration folder, or in $DFERBENCH_HOME if that is set."""
    home = os.environ.get("DFERBENCH_HOME")
    return Path(home or platformdirs.user_config_dir("dferbench")) / "config.toml"


def _configured_root(name: str) -> str | None:
    path = config_file()
    if not path.is_file():
        return None
    try:
        roots = tomllib.loads(path.read_text(encoding="utf-8")).get("roots", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}", "Mend or remove it.") from error
    return str(roots[name]) if name in roots else None


def root_of(name: str, dataset: Dataset, given: Path | None) -> Path:
    """The dataset's root: what was given, $DFERBENCH_ROOT_<NAME>, the user's config, or its own default.

    Raises DataError if there is none or it is no folder (a default of the dataset's own may not exist yet).
    """
    variable = f"DFERBENCH_ROOT_{name.upper().replace('-', '_')}"
    stated = given or os.environ.get(variable) or _configured_root(name)
    if stated is None:
        default = dataset.default_root()
        if default is None:
            raise DataError(f"where is {name}? No root was given", f"Use --root DIR. {dataset.where}".strip())
        return default
    root = Path(stated).expanduser()
    if not root.is_dir() and not dataset.synthetic:
        raise DataError(
            f"the root of {name}, {root}, is not a folder", f"Use --root DIR. {dataset.where}".strip()
        )
    return root
