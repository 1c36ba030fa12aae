"""What a user says once and not with every command: `dferbench.toml`, the user's own file, and variables.

The command line wins over the environment, that over `dferbench.toml` in the working folder, and that over
`config.toml` in the user's folder. Each value knows where it comes from.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from dferbench.documents import from_toml, read_text
from dferbench.errors import ConfigError, nearest
from dferbench.files import expand

NAME = "dferbench.toml"
"""In the working folder."""
TABLES = ("roots", "weights")
VARIABLES = {
    "output": "DFERBENCH_OUTPUT",
    "device": "DFERBENCH_DEVICE",
    "jobs": "DFERBENCH_JOBS",
    "workers": "DFERBENCH_WORKERS",
}
SINGLE = tuple(VARIABLES)
KEYS = (*TABLES, "plugins", *SINGLE)
PLUGINS = "DFERBENCH_PLUGINS"
_LEAST = {"jobs": 1, "workers": 0}


@dataclass(frozen=True)
class Configured:
    """One value: `key` is as in `roots.mafw`, `source` says where it stands, `file` in which file, if any."""

    key: str
    value: str
    source: str
    file: Path | None = None


def config_file() -> Path:
    """`config.toml` in the user's configuration folder, or in $DFERBENCH_HOME if that is set."""
    home = os.environ.get("DFERBENCH_HOME")
    return Path(home or platformdirs.user_config_dir("dferbench")) / "config.toml"


def settings() -> list[Configured]:
    """Every value that holds, in the order of KEYS; of plugins all that any place names, the strongest first.

    Raises ConfigError that names file and line.
    """
    layers = [list(_of_environment()), *(list(_of_file(path)) for path in (Path(NAME), config_file()))]
    found: dict[tuple[str, str], Configured] = {}
    for one in (one for layer in layers for one in layer):
        found.setdefault((one.key, one.value if one.key == "plugins" else ""), one)
    return sorted(found.values(), key=lambda one: KEYS.index(one.key.split(".")[0]))


def values(table: str) -> dict[str, Configured]:
    """The values of one of TABLES by their names. Raises ConfigError."""
    found = [one for one in settings() if one.key.startswith(f"{table}.")]
    return {one.key.partition(".")[2]: one for one in found}


def _of_environment() -> Iterator[Configured]:
    for path in filter(None, os.environ.get(PLUGINS, "").split(os.pathsep)):
        yield Configured("plugins", str(expand(path)), f"${PLUGINS}")
    for key, variable in VARIABLES.items():
        if stated := os.environ.get(variable):
            wrong = _wrong(key, int(stated) if stated.isdecimal() else stated)
            if wrong:
                raise ConfigError(f"${variable}: {key} {wrong}", f"Change it, or unset {variable}.")
            yield Configured(key, stated, f"${variable}")


def _of_file(path: Path) -> Iterator[Configured]:
    """The values of a file. Raises ConfigError for the first that is wrong."""
    for key, value in read_config(path).items():
        if key in TABLES:
            for name, text in value.items():
                plain = key == "weights" and text == "random"
                yield Configured(f"{key}.{name}", text if plain else _placed(text, path), str(path), path)
        elif key == "plugins":
            for text in value:
                yield Configured(key, _placed(text, path), str(path), path)
        else:
            yield Configured(key, str(value), str(path), path)


def _placed(text: str, file: Path) -> str:
    """A path that a file names, from that file's folder on."""
    return str(file.parent / expand(text))


def read_config(path: Path) -> dict[str, Any]:
    """What a configuration file says, checked; nothing where there is none.

    Raises ConfigError that names file and line.
    """
    try:
        text = read_text(path) if path.exists() else ""
        stated = from_toml(text)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} is not a valid configuration: {error}", "Fix or remove it.") from error
    for key, value in stated.items():
        where = f"{path}, line {line_of(text, key)}"
        if key not in KEYS:
            near = nearest(key, KEYS)
            hint = f"Did you mean: {', '.join(near)}?" if near else f"The settings are {', '.join(KEYS)}."
            raise ConfigError(f"{where}: there is no setting named '{key}'", hint)
        if wrong := _wrong(key, value):
            raise ConfigError(f"{where}: {key} {wrong}", "docs/config.md describes every setting.")
    return stated


def _wrong(key: str, value: Any) -> str:
    """What is wrong with a value, in words; empty if nothing is."""
    if key in TABLES:
        right = isinstance(value, dict) and all(isinstance(one, str) and one for one in value.values())
        return "" if right else f'must be a table of paths, such as {key}.NAME = "PATH", got {value!r:.60}'
    if key == "plugins":
        right = isinstance(value, list) and all(isinstance(one, str) and one for one in value)
        return "" if right else f'must be a list of files, such as ["mine.py"], got {value!r:.60}'
    if key in _LEAST:
        whole = isinstance(value, int) and not isinstance(value, bool) and value >= _LEAST[key]
        right = whole or value == "auto"
        return "" if right else f'must be a whole number from {_LEAST[key]} on or "auto", got {value!r:.60}'
    return "" if isinstance(value, str) and value else f"must be a text, got {value!r:.60}"


def line_of(text: str, key: str) -> int:
    """The line of a TOML text on which a key of its outermost table begins, counted from 1."""
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if head := re.match(r"\s*\[+\s*([^\]]+)\]", line):
            table = head[1]
        found = re.match(r"\s*([^=#]+)=", line) if not head and not table else head
        if found and found[1].strip().split(".")[0].strip("\"' ") == key:
            return number
    return 1


def as_mapping(found: Mapping[str, Configured]) -> dict[str, str]:
    """Names and values alone."""
    return {name: one.value for name, one in found.items()}
