"""What there is: every method, dataset and part that any plugin registered, and where each came from.

Nothing is global: `discover` makes a catalog, and it is handed down. Plugins are loaded one by one, so that
one that fails is listed as broken while everything else works.
"""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy
from pydantic import BaseModel

from dferbench import spec
from dferbench.careful import PluginFault, carefully, contained
from dferbench.errors import ConfigError, UnknownName, same
from dferbench.imports import imported, is_path
from dferbench.registry import hookspecs
from dferbench.registry.kinds import KINDS
from dferbench.registry.names import require_name
from dferbench.registry.options import filled, require_numbers
from dferbench.registry.sources import Source, from_files, installed, own
from dferbench.types import Method, Options


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
        return imported(self.value, self.whose)

    @property
    def whose(self) -> str:
        """The entry in words, for messages."""
        return f"'{self.name}' of {self.origin}"


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
    loaded: dict[Path, str] = field(default_factory=dict)
    """Per file of a plugin, links followed, the origin of what it registers."""

    def get(self, kind: str, name: str) -> Entry:
        """The entry of that name. Raises UnknownName, or ConfigError if two plugins claim it."""
        if (kind, name) in self.contested:
            raise self._claimed(kind, name)
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

    def builds(self, kind: str) -> dict[str, Callable[..., Any]]:
        """What builds each thing of a kind, by name: one that cannot be used raises when it is called.

        They can be pickled as far as the plugins' own functions can.
        """
        return {name: self._build_of(kind, entry) for name, entry in self.entries[kind].items()}

    def _build_of(self, kind: str, entry: Entry) -> Callable[..., Any]:
        if (kind, entry.name) in self.contested:
            return partial(_refuse, *self._claimed(kind, entry.name).args)
        if isinstance(entry.value, str):
            return partial(_imported_call, entry.value, entry.whose)
        value: Callable[..., Any] = entry.value
        return value

    def _claimed(self, kind: str, name: str) -> ConfigError:
        claims = self.contested[kind, name]
        return ConfigError(
            f"the {KINDS[kind].noun} name '{name}' is claimed by {' and '.join(claims)}",
            "Uninstall one of them, or rename it in the plugin that is yours.",
        )

    def make(self, kind: str, text: str, *given: Any, **options: Any) -> Any:
        """Build the part that `text` names, as `name(option=value)`, with the `given` arguments first.

        `options` are defaults for options that the text does not state. Raises ConfigError or UnknownName.
        """
        call = spec.parse_one(text)
        call = spec.Call(call.name, call.args, {**options, **call.options})
        entry = self.get(kind, call.name)
        build, noun = entry.load(), KINDS[kind].noun
        if entry.options is not None:
            args: tuple[Any, ...] = given
            stated: Mapping[str, Any] = filled(entry.options, call, noun)
        else:
            bound = spec.bind(call, build, noun, *given)
            require_numbers(bound, f"{noun} {call.name}")
            args, stated = bound.args, bound.kwargs
        with contained(entry.whose):
            return build(*args, **stated)

    def origins_of(self, files: Iterable[Path]) -> set[str]:
        """The origins of what these files register, however they were loaded."""
        return {self.loaded.get(file.resolve(), str(file)) for file in files}

    def brought_by(self, *files: Path) -> list[tuple[str, str]]:
        """Kind and name of everything that these files register."""
        origins = self.origins_of(files)
        found = [(kind, one) for kind, entries in self.entries.items() for one in entries.values()]
        return [(kind, one.name) for kind, one in found if one.origin in origins]

    def add(self, kind: str, entry: Entry) -> None:
        """Take an entry in; a name that is taken becomes unusable for both, for neither is the right one."""
        first = self.entries[kind].get(entry.name)
        if first is None:
            self.entries[kind][entry.name] = entry
        else:
            claims = self.contested.setdefault((kind, entry.name), [first.origin])
            claims.append(entry.origin)


def _refuse(message: str, hint: str, *_: Any, **__: Any) -> None:
    raise ConfigError(message, hint)


def _imported_call(path: str, whose: str, *args: Any, **options: Any) -> Any:
    return imported(path, whose)(*args, **options)


def discover(files: Iterable[Path] = ()) -> Catalog:
    """Load the host's own parts, every installed plugin and the given files. Never raises for a plugin.

    A file that was loaded already, as an installed plugin or under another path, is not loaded again.
    """
    files = tuple(files)
    catalog = Catalog(files=files)
    manager = pluggy.PluginManager("dferbench")
    manager.add_hookspecs(hookspecs)
    waiting = [*own(), *installed(), *from_files(files)]
    while waiting:
        origin, load = waiting.pop(0)
        if Path(origin) in files and Path(origin).resolve() in catalog.loaded:
            continue
        try:
            waiting += carefully(origin, partial(_load_and_take_in, catalog, manager, origin, load))
        except PluginFault as fault:
            catalog.broken.append(broken(origin, fault))
    return catalog


def broken(origin: str, fault: PluginFault) -> Broken:
    """The plugin as it is listed, with the traceback of what it raised."""
    details = ""
    with suppress(BaseException):  # an exception can be such that even to show it fails
        details = "".join(traceback.format_exception(fault.__cause__ or fault))
    return Broken(origin, str(fault), details)


def _load_and_take_in(
    catalog: Catalog, manager: pluggy.PluginManager, origin: str, load: Callable[[], ModuleType]
) -> list[Source]:
    module = load()
    further = _take_in(catalog, manager, origin, module)
    if isinstance(file := getattr(module, "__file__", None), str):
        catalog.loaded.setdefault(Path(file).resolve(), origin)
    return further


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
        packages = _impls(manager, "plugin_modules", origin)
        further = [name for names in packages for name in names()]
        _require_texts(further)
        if not (found or commands or packages):
            raise ValueError("it registers nothing; functions such as register_methods need @hookimpl")
    except BaseException:
        manager.unregister(module)
        raise
    for kind, entry in found:
        catalog.add(kind, entry)
    catalog.commands += [(origin, command) for command in commands]
    return [(_within(origin, name), partial(importlib.import_module, name)) for name in further]


def _require_texts(further: Any) -> None:
    if not all(isinstance(name, str) for name in further):
        raise TypeError("plugin_modules() must give names of modules")


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
        require_name("method", method.name)
        found.append((kind, Entry(method.name, method, origin, options=method.options)))

    def part(
        name: str,
        build: Callable[..., Any] | str,
        options: type[BaseModel] | None = None,
        **facts: Any,
    ) -> None:
        require_name(KINDS[kind].noun, name)
        if not isinstance(facts.get("about", ""), str):
            raise TypeError(f"about of '{name}' must be text")
        if options is not None and not (isinstance(options, type) and issubclass(options, BaseModel)):
            raise TypeError(f"options of '{name}' must be a pydantic model, that is a class")
        if not callable(build) and not is_path(build):
            raise TypeError(
                f"register('{name}', ...) takes something callable or 'package.module:name', "
                f"not {build if isinstance(build, str) else type(build).__name__}"
            )
        found.append((kind, Entry(name, build, origin, facts, options)))

    def suite(name: str, path: Path, about: str = "") -> None:
        require_name("suite", name)
        if not isinstance(path, Path) or not path.is_absolute() or not path.is_file():
            raise TypeError(
                f"register('{name}', ...) takes the absolute Path of a suite's file, got {path!r}"
            )
        if not isinstance(about, str):
            raise TypeError(f"about of '{name}' must be text")
        facts = {"about": about, "file": str(path)}
        found.append((kind, Entry(name, path, origin, facts, Options)))

    others: dict[str, Callable[..., None]] = {"methods": method, "suites": suite}
    return others.get(kind, part)
