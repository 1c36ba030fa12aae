"""What there is: every method, dataset and part that any plugin registered, and where each came from.

Nothing is global: `discover` makes a catalog, and it is handed down. Plugins are loaded one by one, so that
one that fails is listed as broken while everything else works.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy
from pydantic import BaseModel

from dferbench import spec
from dferbench.errors import ConfigError, UnknownName, same
from dferbench.imports import imported, is_path
from dferbench.registry import hookspecs
from dferbench.registry.kinds import KINDS
from dferbench.registry.options import filled, require_numbers
from dferbench.types import Method


@dataclass(frozen=True)
class Entry:
    """One registered thing: a `Method`, or what builds a dataset or part; `facts` is light data about it.

    What builds it may be registered as "package.module:name", so that nothing heavy is imported before it is
    used; `options` is a pydantic model of its options, None where its signature says them.
    """

    name: str
    value: Any
    origin: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    options: type[BaseModel] | None = None

    def load(self) -> Any:
        """The value, imported if it was registered by its path. Raises ConfigError if that fails."""
        return imported(self.value, f"'{self.name}' of {self.origin}")


@dataclass(frozen=True)
class Broken:
    """A plugin that could not be used, and why."""

    origin: str
    reason: str
    details: str


@dataclass
class Catalog:
    """All entries by kind and name, the plugins that are broken, and the names that two plugins claim."""

    entries: dict[str, dict[str, Entry]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    broken: list[Broken] = field(default_factory=list)
    contested: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    commands: list[tuple[str, Callable[..., None]]] = field(default_factory=list)
    files: tuple[Path, ...] = ()
    """Plugins that were given as files."""

    def get(self, kind: str, name: str) -> Entry:
        """The entry of that name. Raises UnknownName, or ConfigError if two plugins claim it."""
        if claims := self.contested.get((kind, name)):
            raise ConfigError(
                f"the {KINDS[kind].noun} name '{name}' is claimed by {' and '.join(claims)}",
                "Uninstall one of them, or rename the method in the plugin that is yours.",
            )
        if name not in self.entries[kind]:
            raise self._unknown(kind, name)
        return self.entries[kind][name]

    def _unknown(self, kind: str, name: str) -> UnknownName:
        """The error for a name that `kind` lacks: what else it is, or where to look for it."""
        noun, entries = KINDS[kind].noun, self.entries[kind]
        for other in self.entries:
            found = next((one for one in self.entries[other] if same(one, name)), None)
            if other != kind and found is not None and not any(same(one, name) for one in entries):
                swapped = {kind, other} == {"methods", "datasets"}
                question = " Are the method and the dataset swapped?" if swapped else ""
                return UnknownName(noun, name, (), instead=f"'{found}' is a {KINDS[other].noun}.{question}")
        broken = f" The plugin {self.broken[0].origin} is broken: dferbench doctor." if self.broken else ""
        return UnknownName(noun, name, entries, f"All: dferbench list {kind.replace('_', '-')}.{broken}")

    def make(self, kind: str, text: str, *given: Any, **options: Any) -> Any:
        """Build the part that `text` names, as `name(option=value)`, with the `given` arguments first.

        `options` are defaults for options that the text does not state. Raises ConfigError or UnknownName.
        """
        call = spec.parse_one(text)
        call = spec.Call(call.name, call.args, {**options, **call.options})
        entry = self.get(kind, call.name)
        build, noun = entry.load(), KINDS[kind].noun
        if entry.options is not None:
            return build(*given, **filled(entry.options, call, noun))
        bound = spec.bind(call, build, noun, *given)
        require_numbers(bound, f"{noun} {call.name}")
        return build(*bound.args, **bound.kwargs)

    def add(self, kind: str, entry: Entry) -> None:
        """Take an entry in; a name that is taken becomes unusable for both, for neither is the right one."""
        first = self.entries[kind].get(entry.name)
        if first is None:
            self.entries[kind][entry.name] = entry
        else:
            claims = self.contested.setdefault((kind, entry.name), [first.origin])
            claims.append(entry.origin)


def discover(files: Iterable[Path] = ()) -> Catalog:
    """Load the host's own parts, every installed plugin and the given files. Never raises for a plugin."""
    files = tuple(files)
    catalog = Catalog(files=files)
    manager = pluggy.PluginManager("dferbench")
    manager.add_hookspecs(hookspecs)
    waiting = [*_own(), *_installed(), *_from_files(files)]
    while waiting:
        origin, load = waiting.pop(0)
        try:
            waiting += _take_in(catalog, manager, origin, load())
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            catalog.broken.append(Broken(origin, reason, traceback.format_exc()))
    return catalog


Source = tuple[str, Callable[[], ModuleType]]


def _own() -> list[Source]:
    return [("dferbench", lambda: importlib.import_module("dferbench.builtins"))]


def _installed() -> list[Source]:
    points = sorted(entry_points(group="dferbench"), key=lambda point: point.name)
    return [(_distribution(point), point.load) for point in points]


def _distribution(point: EntryPoint) -> str:
    dist = point.dist
    return f"{point.value} ({dist.name} {dist.version})" if dist else point.value


def _from_files(files: Iterable[Path]) -> list[Source]:
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


def _take_in(
    catalog: Catalog, manager: pluggy.PluginManager, origin: str, module: ModuleType
) -> list[Source]:
    """Collect one plugin's registrations; they count only if all of them are valid.

    Returns the plugins that a package of several names.
    """
    manager.register(module, origin)
    try:
        manager.check_pending()
        found: list[tuple[str, Entry]] = []
        for kind in KINDS:
            for hook in _impls(manager, f"register_{kind}", origin):
                hook(_registrar(kind, origin, found))
        commands = _impls(manager, "register_commands", origin)
        further = [name for names in _impls(manager, "plugin_modules", origin) for name in names()]
        if not (found or commands or further):
            raise ValueError("it registers nothing; functions such as register_methods need @hookimpl")
    except Exception:
        manager.unregister(module)
        raise
    for kind, entry in found:
        catalog.add(kind, entry)
    catalog.commands += [(origin, command) for command in commands]
    return [(_within(origin, name), partial(importlib.import_module, name)) for name in further]


def _within(origin: str, module: str) -> str:
    """The origin of a module that a package names: the module, and the package's distribution."""
    _, space, distribution = origin.partition(" (")
    return module + space + distribution


def _impls(manager: pluggy.PluginManager, hook: str, origin: str) -> list[Callable[..., Any]]:
    impls = getattr(manager.hook, hook).get_hookimpls()
    return [impl.function for impl in impls if impl.plugin_name == origin]


def _registrar(kind: str, origin: str, found: list[tuple[str, Entry]]) -> Callable[..., None]:
    """The `register` that a plugin calls: it fails on the plugin's own line when the call is wrong."""

    def method(method: Method) -> None:
        if not isinstance(method, Method):
            raise TypeError(f"register() takes a dferbench.Method, not {type(method).__name__}")
        found.append((kind, Entry(method.name, method, origin, options=method.options)))

    def part(
        name: str,
        build: Callable[..., Any] | str,
        options: type[BaseModel] | None = None,
        **facts: Any,
    ) -> None:
        if not callable(build) and not is_path(build):
            raise TypeError(
                f"register('{name}', ...) takes something callable or 'package.module:name', "
                f"not {build if isinstance(build, str) else type(build).__name__}"
            )
        found.append((kind, Entry(name, build, origin, facts, options)))

    return method if kind == "methods" else part
