"""Which folders may name plugins: a plugin is code, and who enters a downloaded folder asked for none of it.

What is trusted is a `dferbench.toml` at its place, with the plugins that it names: it is asked for again when
it names others. It is kept with the user, never in the folder itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dferbench.errors import ConfigError
from dferbench.files import from_json, to_json, write_atomic
from dferbench.places import alone, data_folder

NAME = "trusted.json"
SCHEMA = 1


def is_trusted(file: Path, plugins: Iterable[str]) -> bool:
    """Whether the user has allowed this file to name these plugins. Raises ConfigError as `_read`."""
    return set(_resolved(plugins)) <= set(_read().get(str(file.resolve()), []))


def trust(file: Path, plugins: Iterable[str]) -> None:
    """Allow the file to name these plugins, and no others. Raises ConfigError as `_read`."""
    with alone(data_folder() / NAME):
        _write({**_read(), str(file.resolve()): _resolved(plugins)})


def distrust(file: Path) -> None:
    """Take that back. Raises ConfigError as `_read`."""
    with alone(data_folder() / NAME):
        _write({name: one for name, one in _read().items() if name != str(file.resolve())})


def _resolved(plugins: Iterable[str]) -> list[str]:
    return sorted({str(Path(one).resolve()) for one in plugins})


def _read() -> dict[str, list[str]]:
    """Raises ConfigError if the file is damaged: nothing is trusted then."""
    path = data_folder() / NAME
    try:
        stated: Any = from_json(path.read_bytes())
        files = stated["files"]
        lists = all(isinstance(one, list) for one in files.values())
        if stated["schema"] != SCHEMA or not lists:
            raise ValueError("it is of another form")
        return dict(files)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{path} cannot be read: {error}", "Remove it, and give dferbench config --trust again."
        ) from error


def _write(files: dict[str, list[str]]) -> None:
    write_atomic(data_folder() / NAME, to_json({"schema": SCHEMA, "files": files}))
