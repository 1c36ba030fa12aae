"""Where the text that describes a class comes from. No torch in here."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from dferbench.documents import from_toml, read_text
from dferbench.errors import ConfigError, UnknownName
from dferbench.files import expand

TEMPLATES = {"class-names": "{}", "expression": "an expression of {}"}
"""Texts made from the name of the class alone (DFER-CLIP, arXiv:2308.13382, table 3)."""
DESCRIPTORS = "descriptors"
"""The source that holds dferbench's own descriptions of the eleven classes of MAFW, of which DFEW and FERV39k
have seven, and of RAVDESS's calm."""


def class_texts(source: str, classes: Sequence[str]) -> tuple[str, ...]:
    """One text a class, in order.

    `source` is "class-names", "expression", "descriptors", a template such as "a photo of {}", the path of a
    TOML file with lines such as `happiness = "a broad smile"`, or such lines themselves as an inline table,
    `{happiness = "a broad smile.", ...}`. Texts of a file or a table are taken exactly as written; those made
    here end in one full stop, as DFER-CLIP's do. Raises UnknownName, or ConfigError for a class without text
    and for a source that cannot be read.
    """
    if is_inline(source):
        return _each(_parse(f"texts = {source}", "the inline texts").get("texts", {}), source, classes)
    template = source if "{}" in source else TEMPLATES.get(source)
    if template is not None:
        return tuple(_stop(template.replace("{}", name)) for name in classes)
    return _each(_read(source), source, classes)


def is_inline(source: str) -> bool:
    """Whether the source is an inline table and not a template that begins with the name of the class."""
    return source.startswith("{") and not source.startswith("{}")


def inline_texts(written: Mapping[str, str]) -> str:
    """The texts of some classes as an inline table, which is a source of class texts."""
    import tomlkit

    table = tomlkit.inline_table()
    table.update(written)
    return table.as_string()


def _each(known: Mapping[str, Any], source: str, classes: Sequence[str]) -> tuple[str, ...]:
    missing = [name for name in classes if not _is_text(known.get(name))]
    if missing:
        named = ("class " if len(missing) == 1 else "classes ") + ", ".join(f"'{name}'" for name in missing)
        raise ConfigError(
            f"'{source}' has no text for the {named}",
            "Use --set text=class-names or --set text=expression, or --set text=FILE.toml with "
            f'{missing[0]} = "..." and so on.',
        )
    return tuple(known[name] for name in classes)


def _is_text(text: Any) -> bool:
    return isinstance(text, str) and bool(text.strip(" ."))


def _read(source: str) -> Mapping[str, Any]:
    if source == DESCRIPTORS:
        return tomllib.loads(files("dferbench.models").joinpath("descriptors.toml").read_text("utf-8"))
    path = expand(source)
    if not path.is_file() and path.suffix != ".toml":
        known = [*TEMPLATES, DESCRIPTORS, "FILE.toml", "... {} ...", '{class = "text", ...}']
        raise UnknownName("source of class texts", source, known)
    if not path.exists():
        raise ConfigError(f"there is no file {path}", "Check the path; text=FILE.toml holds a text a class.")
    try:
        return _parse(read_text(path), f"the texts in {path}")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(f"the texts in {path}", error) from None


def _parse(text: str, what: str) -> dict[str, Any]:
    try:
        return from_toml(text)
    except ValueError as error:
        raise _unreadable(what, error) from None


def _unreadable(what: str, error: Exception) -> ConfigError:
    return ConfigError(f"cannot read {what}: {error}", 'Write class = "text", in TOML.')


def _stop(text: str) -> str:
    return " ".join(text.split()).rstrip(" .") + "."
