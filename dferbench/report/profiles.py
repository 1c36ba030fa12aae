"""Reading what `dferbench profile --json` wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from dferbench.documents import read_text
from dferbench.errors import ConfigError


class _Profile(BaseModel):
    method: str
    given: dict[str, str]
    parameters: int
    trained: int
    macs: int
    frames: int
    size: int
    train: float | None = None
    test: float | None = None
    memory_bytes: int | None = None


class _File(BaseModel):
    schema_: Literal[1] = Field(alias="schema")
    classes: int
    machine: dict[str, Any]
    profiles: list[_Profile]


def read_profiles(path: Path) -> tuple[list[dict[str, Any]], str]:
    """The profiles of a file, and a sentence on how and where they were made. Raises ConfigError."""
    try:
        found = _File.model_validate_json(read_text(path))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", "Or write --cost auto.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        hint = f"Make it anew: dferbench profile METHOD --json > {path}"
        raise ConfigError(f"{path} is not a profile: {place}: {first['msg']}", hint) from error
    where = ", ".join(f"{name} {value}" for name, value in found.machine.items())
    measured = f"; speed and memory measured on {where}" if where else ""
    about = f"costs at the method's own input, for {found.classes} classes{measured}"
    return [one.model_dump() for one in found.profiles], about
