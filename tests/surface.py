"""What a plugin may import: the checker behind test_house.py, as a function over source text."""

import ast
import re
from functools import cache
from pathlib import Path

from conftest import ROOT

from dferbench.interface import NAMES as INTERFACE

PUBLIC = ("dferbench", "dferbench.models", "dferbench.data", "dferbench.data.official", "dferbench.testing")
"""The modules whose `__all__` plugins may use."""
SHARED = {"dferbench_methods": {"layers"}, "dferbench_datasets": {"shared"}}
"""The folders of each package that every other folder of it may use."""
PATH = re.compile(r"dferbench\w*(\.\w+)+(:\w+)?")


@cache
def names_of(module):
    """What `__all__` of a public module lists, read without importing it."""
    place = ROOT / Path(*module.split("."))
    path = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    assigned = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Assign)]
    (stated,) = [node.value for node in assigned if ast.unparse(node.targets[0]) == "__all__"]
    return frozenset(ast.literal_eval(stated))


def refused(source, module="mine", is_package=False):
    """Every use of what is private, as "line N: NAME", in the source text of a plugin's module of that name.

    Private are all modules of dferbench but PUBLIC, all names that these do not list in `__all__`, what
    programs and notebooks call (INTERFACE), and of the first-party packages the folders of other plugins,
    whether imported, reached by an attribute or named by a string that is a whole path.
    """
    tree = ast.parse(source)
    used = [(line, path) for node in ast.walk(tree) for line, path in _paths(node, module, is_package)]
    return [f"line {line}: {path}" for line, path in used if not _allowed(path, module)]


def _paths(node, module, is_package):
    """The dotted paths that a node uses; a path ends in a name where it names one."""
    if isinstance(node, ast.Import):
        yield from ((node.lineno, alias.name) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        start = _absolute(node, module, is_package)
        yield from ((node.lineno, f"{start}.{alias.name}") for alias in node.names)
    elif isinstance(node, ast.Attribute) and re.match(r"dferbench\w*\.", dotted := ast.unparse(node)):
        yield node.lineno, dotted
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and PATH.fullmatch(node.value):
        yield node.lineno, node.value.replace(":", ".")


def _absolute(node, module, is_package):
    if not node.level:
        return node.module
    parts = module.split(".")
    above = parts[: len(parts) - node.level + is_package]
    return ".".join([*above, *filter(None, [node.module])])


def _allowed(path, module):
    parts = path.split(".")
    if parts[0] == "dferbench":
        return _is_public(parts)
    if parts[0] not in SHARED:
        return True
    own = module.split(".")
    return parts[0] == own[0] and (len(parts) == 1 or parts[1] in {*own[1:2], *SHARED[parts[0]]})


def _is_public(parts):
    """Whether the longest public module that the path begins with lists the name that follows."""
    if ".".join(parts) in PUBLIC:
        return True
    depth = max(n for n in range(1, len(parts)) if ".".join(parts[:n]) in PUBLIC)
    listed = names_of(".".join(parts[:depth])) - (set(INTERFACE) if depth == 1 else set())
    return parts[depth] in listed
