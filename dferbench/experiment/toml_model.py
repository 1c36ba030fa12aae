"""TOML files that people write, read into a model: whatever is wrong is told in two lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from dferbench.documents import from_toml, read_text
from dferbench.errors import ConfigError, nearest

_Model = TypeVar("_Model", bound=BaseModel)
LONGEST = 60
"""Characters of a wrong value that a message shows."""


def read_model(path: Path, kind: type[_Model], example: str, context: Mapping[str, Any]) -> _Model:
    """The file as a model; `context` is what its validators need, `example` a file as it should be.

    Raises ConfigError that names the file, the place in it, and what may stand there.
    """
    try:
        return kind.model_validate(from_toml(read_text(path)), context=dict(context))
    except OSError as error:
        reason, hint = error.strerror or str(error), f"Name {example}."
    except ValidationError as error:
        reason, hint = _told(error, kind)
    except ValueError as error:  # no TOML, or no text
        keys = ", ".join(kind.model_fields)
        reason, hint = (
            str(error),
            f"Write TOML with the keys {keys}; docs/published.md and docs/suites.md have them all.",
        )
    raise ConfigError(f"cannot read {path}: {reason}", hint)


def _told(error: ValidationError, kind: type[BaseModel]) -> tuple[str, str]:
    first = error.errors()[0]
    place = ".".join(str(part + 1 if isinstance(part, int) else part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{place}: there is no such key", _keys(kind, first["loc"])
    if first["type"] == "missing":
        return f"{place}: it is missing", "Add that key (rows count from 1)."
    message = first["msg"].removeprefix("Value error, ").replace("Input should", "must")
    got = "" if "got " in message or isinstance(first["input"], dict) else f", got {_short(first['input'])}"
    return f"{place or 'file'}: {message}{got}", "Fix that entry (rows count from 1)."


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _keys(kind: type[BaseModel], place: Sequence[int | str]) -> str:
    """The keys that are known where an unknown one stands."""
    for part in place[:-1]:
        if isinstance(part, str) and part in kind.model_fields:
            kind = _model_in(kind.model_fields[part].annotation) or kind
    near = nearest(str(place[-1]), kind.model_fields)
    return (
        f"Did you mean: {', '.join(near)}?" if near else f"The keys there are {', '.join(kind.model_fields)}."
    )


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation is, or holds: list[Model], dict[str, Model]."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in get_args(annotation) if (found := _model_in(one))), None)
