"""A file given by --plugin that cannot be used: why, where in it, and what to do."""

from __future__ import annotations

import re

from dferbench.errors import ConfigError, nearest
from dferbench.registry import hookspecs
from dferbench.registry.catalog import Broken, Catalog

TELLING = ("list", "doctor", "config")
"""The commands that show broken plugins themselves."""


def require_usable(catalog: Catalog, command: str | None) -> None:
    """Raise ConfigError for the first plugin file that is broken: the user asked for what it has."""
    given = set(map(str, catalog.files))
    broken = [one for one in catalog.broken if one.origin in given]
    if broken and command not in TELLING:
        raise _error(broken[0])


def _error(broken: Broken) -> ConfigError:
    if hook := re.search(r"unknown hook '(\w+)'", broken.reason):
        near = nearest(
            hook[1], [name for name in vars(hookspecs) if name.startswith(("register_", "plugin_"))]
        )
        hint = f"Did you mean {' or '.join(near)}?" if near else "docs/plugins.md names the hooks."
        return ConfigError(f"plugin {broken.origin}: there is no hook named '{hook[1]}'", hint)
    lines = re.findall(rf'File "[^"]*{re.escape(broken.origin)}", line (\d+)', broken.details)
    where = f", line {lines[-1]}" if lines else ""
    reason = re.sub(r" \([^()]*, line \d+\)$", "", broken.reason) if where else broken.reason
    return ConfigError(f"plugin {broken.origin}{where}: {reason}", _next_step(broken.reason, where))


def _next_step(reason: str, where: str) -> str:
    if missing := re.match(r"ModuleNotFoundError: No module named '([\w.]+)'", reason):
        return f"Install {missing[1].split('.')[0]}, or check how the import is spelt."
    if reason.startswith("FileNotFoundError"):
        return "Check the path: --plugin takes a Python file."
    fix = f"Fix line{where.removeprefix(', line')}" if where else "Fix the file"
    return f"{fix}; dferbench doctor shows the traceback."
