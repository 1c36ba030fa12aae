"""What is configured reaches the command line: further plugins, and the defaults of options."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dferbench import configuration
from dferbench.configuration import NAME, Configured
from dferbench.printable import one_line

OPTIONS = {"--device": "device", "--jobs": "jobs", "--workers": "workers"}
"""Options whose defaults can be configured; `output` is the default of whatever is the folder of the runs."""
RUNS = "runs"


def with_configured(given: Iterable[Path], tell: bool = True) -> list[Path]:
    """The plugin files of the command line, and those of the environment and of configuration files.

    Those of a `dferbench.toml` that is not trusted are left out, which is said in two lines if it is to
    `tell`. Raises ConfigError for a file that is not valid.
    """
    stated = [one for one in configuration.settings() if one.key == "plugins"]
    local = [one for one in stated if one.file == Path(NAME)]
    if local and not _allowed(local, tell):
        stated = [one for one in stated if one not in local]
    files = [*given, *(Path(one.value) for one in stated)]
    return list({path.resolve(): path for path in reversed(files)}.values())[::-1]


def _allowed(local: Sequence[Configured], tell: bool) -> bool:
    from dferbench.trust import is_trusted

    names = [one.value for one in local]
    if is_trusted(Path(NAME), names):
        return True
    if not tell:
        return False
    told = f"{NAME} names plugins ({', '.join(names)}), and this folder is not trusted: they are not loaded"
    print(f"note: {one_line(told)}", file=sys.stderr)
    print("hint: Read them, then give dferbench config --trust once.", file=sys.stderr)
    return False


def defaults(command: Any, arguments: Sequence[str]) -> dict[str, Any]:
    """The defaults that are configured, as click's `default_map` of the command line has them.

    Raises ConfigError for a file that is not valid.
    """
    stated = {one.key: one.value for one in configuration.settings() if one.key in configuration.SINGLE}
    if any(word.startswith("--launcher") for word in arguments):
        stated.pop("jobs", None)  # a launcher starts processes of its own
    return _defaults(command, stated) if stated else {}


def _defaults(command: Any, stated: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, one in getattr(command, "commands", {}).items():
        inner = _defaults(one, stated)
        for parameter in one.params:
            keys = [OPTIONS[word] for word in parameter.opts if word in OPTIONS]
            keys += ["output"] if parameter.default == Path(RUNS) or parameter.default == RUNS else []
            for key in keys:
                inner |= {parameter.name: stated[key]} if key in stated else {}
        if inner:
            found[name] = inner
    return found


def weights() -> dict[str, str]:
    """The configured weights by backbone. Raises ConfigError."""
    return configuration.as_mapping(configuration.values("weights"))
