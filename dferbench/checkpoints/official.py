"""Reading what the code of a method's authors saved, in the terms of the method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dferbench.checkpoints.chosen_input import default_input
from dferbench.checkpoints.format import SCHEMA, Header, TrainedOn
from dferbench.errors import ConfigError, DataError
from dferbench.experiment.plan import input_size
from dferbench.models.torch_files import read_wrapped
from dferbench.registry.catalog import Catalog
from dferbench.registry.options import resolve
from dferbench.types import Converted, Method, Recipe


@dataclass(frozen=True)
class Said:
    """What the user says of an official file: options and classes that it does not state, the data that it
    was trained on, and which of its parts is meant."""

    options: dict[str, str] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    trained_on: Sequence[TrainedOn] = ()
    take: str = ""


def read_official(path: Path, catalog: Catalog, model: str, said: Said) -> tuple[Header, Converted]:
    """The header that an official file amounts to, and its tensors under the method's names.

    Raises DataError for what is wrong with the file, ConfigError or UnknownName for the rest.
    """
    if not model and not _may_be_checkpoint(path):
        raise DataError(
            f"{path} is not a checkpoint",
            "Name a run's checkpoint.safetensors, or what the authors' code saved.",
        )
    if not model:
        raise ConfigError(f"{path} does not say which method it is of", "Add --model NAME.")
    method: Method = catalog.get("methods", model).value
    given = {name: value for name, value in resolve(method, said.options).items() if name in said.options}
    converted, beside = _convert(path, method, given, said)
    resolved = resolve(method, converted.options)
    input = replace(method.recipe.input, frames=converted.frames or method.recipe.input.frames)
    header = Header(
        schema=SCHEMA,
        method=model,
        options=resolved,
        classes=list(converted.classes),
        input=replace(input, size=input_size(Recipe(input), resolved, catalog)),
        input_for={name: dict(fields) for name, fields in converted.input_for.items()},
        whose=converted.whose,
        also=dict(converted.also),
        precision=method.recipe.precision,
        holds="all",
        trained_on=list(said.trained_on),
        notes=[*converted.notes, *beside],
    )
    return header.model_copy(update={"input": default_input(header, method)}), converted


def _may_be_checkpoint(path: Path) -> bool:
    """Whether the file begins as what torch saves (a ZIP, or a pickle in the past) or as safetensors."""
    with path.open("rb") as file:
        head = file.read(9)
    return head[:2] == b"PK" or head[:1] == b"\x80" or head[8:9] == b"{"


def _convert(
    path: Path, method: Method, given: dict[str, Any], said: Said
) -> tuple[Converted, tuple[str, ...]]:
    """What the method makes of the file, and notes on what was left in it; complaints name the file."""
    convert = method.converter()
    if convert is None:
        raise ConfigError(
            f"{method.name} cannot import checkpoints of other programs",
            "Give the checkpoint.safetensors of a run.",
        )
    read = read_wrapped(path, said.take)
    try:
        return convert(read.state, given, said.classes), read.notes
    except DataError as error:
        raise DataError(f"{path}: {error.message}", error.hint) from error
