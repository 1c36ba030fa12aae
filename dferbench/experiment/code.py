"""The code that makes a result, as fingerprints of its files: an edited plugin must not give an old number.

What is fingerprinted is what plugins bring: the module that builds the method, every plugin module that it
imports, directly or through others, and those of the parts that options and recipe name. The host is known by
its version, which the record's environment states, and packages such as torch likewise.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple
from functools import cache, partial
from pathlib import Path
from typing import Any

from dferbench.registry.catalog import Catalog, Entry
from dferbench.types import Recipe

KINDS = (
    "backbones", "temporal_heads", "prompts", "decoders", "samplers", "augmentations", "optimizers",
    "schedules",
)  # fmt: skip
"""The kinds of parts whose code decides a result."""
CARDS = ("card", "cards")
"""Modules that describe a method and compute nothing."""
_WORD = re.compile(r"[A-Za-z][\w-]*")
_PATH = re.compile(r"[A-Za-z_][\w.]*(?=:[A-Za-z_]\w*$)")


def code_of(
    method: Entry,
    options: Mapping[str, Any],
    recipe: Recipe,
    catalog: Catalog,
    decoder: str = "",
    *,
    imported: bool = False,
) -> dict[str, str]:
    """Names of source files to 16 hex digits of their SHA-256; empty if all of it is the host's.

    `imported` adds the code that reads the files of the method's authors.
    """
    said = [str(value) for value in options.values()] + _texts(astuple(recipe)) + [decoder]
    tops = _tops(catalog)
    makers = [method.value.build, *([method.value.convert] if imported else [])]
    files = _closure([_module_of(one) for one in makers] + _makers(said, catalog), tops)
    named = {name for path in files.values() for name in _constants(path, path.stat().st_mtime_ns)}
    built = [_module_of(one.value) for n, one in catalog.entries["backbones"].items() if n in named]
    files |= _closure(built, tops)
    return {_label(module, path): _hash(path) for module, path in sorted(files.items())}


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The files that differ, sorted; none if one of the two says nothing, as records of old releases do."""
    if not before or not now:
        return []
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))


def _texts(thing: Any) -> list[str]:
    """Every text in nested tuples."""
    if isinstance(thing, tuple | list):
        return [text for one in thing for text in _texts(one)]
    return [thing] if isinstance(thing, str) else []


def _makers(said: Iterable[str], catalog: Catalog) -> list[str]:
    """The modules of the parts that some texts name."""
    words = {word for text in said for word in _WORD.findall(text)}
    parts = [one for kind in KINDS for name, one in catalog.entries[kind].items() if name in words]
    return [_module_of(one.value) for one in parts]


def _module_of(build: Any) -> str:
    """The module in which something is written; "" for nothing."""
    if isinstance(build, str):
        return build.partition(":")[0]
    while isinstance(build, partial):
        build = build.func
    return str(getattr(inspect.unwrap(build), "__module__", "")) if callable(build) else ""


def _tops(catalog: Catalog) -> frozenset[str]:
    """The packages that plugins are."""
    entries = [one for kind in catalog.entries.values() for one in kind.values()]
    names = {one.origin.split(" (")[0].split(":")[0].split(".")[0] for one in entries}
    return frozenset(name for name in names - {"dferbench"} if name.isidentifier())


def _closure(modules: Iterable[str], tops: frozenset[str]) -> dict[str, Path]:
    """The modules and all that they import, to their files; the host and installed packages left out."""
    found: dict[str, Path] = {}
    waiting = [module for module in modules if module]
    while waiting:
        module = waiting.pop()
        top, _, _ = module.partition(".")
        if module in found or not (top in tops or _is_loose(top)):
            continue
        path = _file_of(module)
        if path is not None and path.suffix == ".py" and module.split(".")[-1] not in CARDS:
            found[module] = path
            waiting += _imports(module, path, path.stat().st_mtime_ns)
    return found


@cache
def _is_loose(top: str) -> bool:
    """Whether it is neither the host's, nor Python's, nor installed: code of the user, next to a plugin."""
    if top == "dferbench" or top in sys.stdlib_module_names:
        return False
    path = _file_of(top)
    return path is not None and not {"site-packages", "dist-packages"} & set(path.parts)


def _file_of(module: str) -> Path | None:
    """Where a module is written; nothing is imported to learn it."""
    if loaded := getattr(sys.modules.get(module), "__file__", None):
        return Path(loaded)
    top, *inner = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.has_location or spec.origin is None:
        return None
    place = Path(spec.origin) if not inner else Path(spec.origin).parent.joinpath(*inner)
    choices = [place] if not inner else [place.with_suffix(".py"), place / "__init__.py"]
    return next((path for path in choices if path.is_file()), None)


@cache
def _imports(module: str, path: Path, time: int) -> tuple[str, ...]:
    """What a file imports anywhere in it, and what it names as "package.module:name"."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return tuple(dict.fromkeys(_named(_tree(path, time), package)))


def _named(tree: ast.AST, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            whole = ".".join([*above, *([node.module] if node.module else [])])
            yield whole
            yield from (f"{whole}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from (match[0] for match in [_PATH.match(node.value)] if match)


@cache
def _constants(path: Path, time: int) -> frozenset[str]:
    """The short texts in a file, among which are the names of parts that it builds."""
    nodes = ast.walk(_tree(path, time))
    texts = (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return frozenset(text for text in texts if _WORD.fullmatch(text))


@cache
def _tree(path: Path, time: int) -> ast.AST:
    try:
        return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ast.Module([], [])


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()[:16]


def _label(module: str, path: Path) -> str:
    """The file as a reader finds it: below its package, or by its name alone."""
    parts = module.split(".")
    if module.startswith("dferbench_plugin_") or (len(parts) == 1 and path.name != "__init__.py"):
        return path.name
    return "/".join([*parts, "__init__.py"] if path.name == "__init__.py" else [*parts[:-1], path.name])
