"""Where plugins come from: the host itself, installed packages, and files that the user names."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable
from functools import partial
from importlib.metadata import Distribution, EntryPoint, distributions, entry_points
from pathlib import Path
from types import ModuleType

Source = tuple[str, Callable[[], ModuleType]]
"""Where a plugin comes from, in words, and what imports it."""


def own() -> list[Source]:
    """The host's own parts."""
    return [("dferbench", lambda: importlib.import_module("dferbench.builtins"))]


def installed() -> list[Source]:
    """The plugins of installed packages, by their entry points."""
    try:
        points: Iterable[EntryPoint] = entry_points(group="dferbench")
    except Exception:  # one file that cannot be read hides those of every package: look into each by itself
        return _from_each_distribution()
    return [(_distribution(point), point.load) for point in sorted(points, key=lambda point: point.name)]


def _from_each_distribution() -> list[Source]:
    sources: list[Source] = []
    seen: set[str] = set()
    for dist in distributions():
        name = _name_of(dist)
        if name not in seen:
            seen.add(name)
            sources += _sources_of(name, dist)
    return sources


def _sources_of(name: str, dist: Distribution) -> list[Source]:
    try:
        points = list(dist.entry_points.select(group="dferbench"))
    except Exception as error:
        return [(f"entry_points.txt of {name}", partial(_reraise, error))]
    return [(f"{point.value} ({name})", point.load) for point in points]


def _name_of(dist: Distribution) -> str:
    try:
        return f"{dist.name} {dist.version}"
    except Exception:
        return str(getattr(dist, "_path", "a distribution without a name"))


def _reraise(error: Exception) -> ModuleType:
    raise error


def _distribution(point: EntryPoint) -> str:
    return f"{point.value} ({_name_of(point.dist)})" if point.dist else point.value


def from_files(files: Iterable[Path]) -> list[Source]:
    """Plugins that are given as Python files."""
    return [(str(path), partial(_load_file, path)) for path in files]


def _load_file(path: Path) -> ModuleType:
    found = importlib.util.spec_from_file_location(f"dferbench_plugin_{path.stem}", path)
    if found is None or found.loader is None or not path.is_file():
        raise FileNotFoundError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(found)
    # Registered before it runs, as an import would, so that its classes can be pickled for workers.
    sys.modules[found.name] = module
    found.loader.exec_module(module)
    return module
