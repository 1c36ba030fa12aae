"""Libraries that come with an extra: imported when a tracker is asked for, before anything starts."""

from __future__ import annotations

import importlib
from typing import Any

from dferbench.errors import ConfigError


def library(name: str, module: str = "") -> Any:
    """The module, or the library of this name. Raises ConfigError, which says how to install it."""
    try:
        return importlib.import_module(module or name)
    except ImportError as error:
        raise ConfigError(
            f"the tracker '{name}' needs the library {name}: {error}",
            f'Install it: pip install "dferbench[{name}]"',
        ) from error
