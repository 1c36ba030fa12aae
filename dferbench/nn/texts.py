"""Where the text that describes a class comes from. No torch in here."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from dferbench.errors import ConfigError, UnknownName

TEMPLATES = {"class-names": "{}", "expression": "an expression of {}"}
"""Texts made from the name of the class alone (DFER-CLIP, arXiv:2308.13382, table 3)."""
DESCRIPTORS = "descriptors"
"""The source that holds dferbench's own descriptions of the eleven classes of MAFW, of which DFEW and FERV39k
have seven."""


def texts(source: str, classes: Sequence[str]) -> tuple[str, ...]:
    """One text a class, in order, each with one full stop at its end.

    `source` is "class-names", "expression", "descriptors", a template such as "a photo of {}", or the path
    of a TOML file with lines such as `happiness = "a broad smile"`. Raises UnknownName, or ConfigError for a
    class without text and for a file that cannot be read.
    """
    template = source if "{}" in source else TEMPLATES.get(source)
    if template is not None:
        return tuple(_stop(template.replace("{}", name)) for name in classes)
    known = _read(source)
    for name in classes:
        if not isinstance(known.get(name), str) or not known[name].strip(" ."):
            raise ConfigError(
                f"'{source}' has no text for the class '{name}'",
                f'Add the line {name} = "..." to a file of your own, or use class-names or expression.',
            )
    return tuple(_stop(known[name]) for name in classes)


def _read(source: str) -> Mapping[str, str]:
    if source == DESCRIPTORS:
        return tomllib.loads(files("dferbench.nn").joinpath("descriptors.toml").read_text("utf-8"))
    path = Path(source).expanduser()
    if not path.is_file() and path.suffix != ".toml":
        raise UnknownName(
            "source of class texts", source, [*TEMPLATES, DESCRIPTORS, "FILE.toml", "... {} ..."]
        )
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"cannot read the texts in {path}: {error}", 'Write one class = "text" a line.'
        ) from None


def _stop(text: str) -> str:
    return " ".join(text.split()).rstrip(" .") + "."
