"""What is named by a path "package.module:name", so that nothing heavy is imported before it is used."""

from __future__ import annotations

import importlib
from typing import Any

from dferbench.careful import contained
from dferbench.errors import ConfigError, DferbenchError, said_by


def imported(value: Any, whose: str) -> Any:
    """`value` itself, or what it names if it is a text. Raises ConfigError, which says `whose` it is, if the
    import fails or there is no such name in the module.
    """
    if not isinstance(value, str):
        return value
    module, _, name = value.partition(":")
    try:
        with contained(whose):
            return getattr(importlib.import_module(module), name)
    except DferbenchError:
        raise
    except Exception as error:  # the plugin's own code runs here
        kind = "" if isinstance(error, ImportError | AttributeError) else f"{type(error).__name__}: "
        raise ConfigError(
            f"{whose} cannot be imported from {value}: {kind}{said_by(error)}",
            "Install what it needs, or fix the plugin.",
        ) from error


def is_path(value: Any) -> bool:
    """Whether `value` is a text of the form "package.module:name"; nothing is imported."""
    return isinstance(value, str) and all(part for part in value.partition(":"))
