"""Reading models that were trained before: a run's file, an imported file, or the file of another program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from dferbench.checkpoints.format import SCHEMA, Header, is_safetensors, read_header, read_tensors
from dferbench.errors import ConfigError, DataError
from dferbench.experiment.plan import input_size
from dferbench.files import sha256_of
from dferbench.models.torch_files import read_foreign
from dferbench.registry.catalog import Catalog, Entry
from dferbench.registry.options import change_recipe, resolve, split_recipe
from dferbench.types import Converted, Method, Recipe


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was read: its header, its tensors, and the recipe (without stages) to test it by."""

    path: Path
    sha256: str
    header: Header
    state: Mapping[str, Tensor]
    method: Entry
    recipe: Recipe
    names: tuple[tuple[str, str], ...] = ()
    """How names begin in our model and in the file, where they differ."""

    def called(self, name: str) -> str:
        """What the file calls a tensor of our model."""
        ours, theirs = next((pair for pair in self.names if name.startswith(pair[0])), ("", ""))
        return theirs + name.removeprefix(ours)

    @property
    def facts(self) -> dict[str, Any]:
        """What a record should say of it."""
        kept = {"classes", "holds", "dataset", "fold", "seed", "config_id", "source", "notes", "caveats"}
        stated = {"file": self.path.name, "sha256": self.sha256, **self.header.model_dump(include=kept)}
        changed = ["another input"] if self.recipe.input != self.header.input else []
        return {**stated, "caveats": [*self.header.caveats, *changed]}


def read_checkpoint(
    path: Path,
    catalog: Catalog,
    *,
    model: str = "",
    sets: Mapping[str, str] | None = None,
    classes: Sequence[str] = (),
) -> Checkpoint:
    """Read the checkpoint of a run, an imported file, or one that the code of a method's authors saved.

    `model` names the method: needed for the authors' files, checked for others. `sets` may change the input
    (`input.sample=...`) and the precision; for the authors' files it may also hold options, and `classes`
    names, that the file does not state. Nothing in the file is executed. Raises DataError for what is wrong
    with the file, ConfigError or UnknownName for the rest.
    """
    if not path.is_file():
        raise DataError(f"there is no checkpoint {path}", "Check its path.")
    options, changes = split_recipe(sets or {})
    if is_safetensors(path):
        header, state = _own(path, catalog, model, options, classes)
        names: tuple[tuple[str, str], ...] = ()
    else:
        header, converted = _official(path, catalog, model, options, classes)
        state, names = converted.state, converted.names
    recipe = _changed(header, changes)
    entry = catalog.get("methods", header.method)
    return Checkpoint(path, sha256_of(path), header, state, entry, recipe, names)


def _own(
    path: Path, catalog: Catalog, model: str, options: Mapping[str, str], classes: Sequence[str]
) -> tuple[Header, Mapping[str, Tensor]]:
    header = read_header(path)
    if model and model != header.method:
        raise ConfigError(f"{path} holds a model of {header.method}, not of {model}", "Leave --model out.")
    if options or (classes and list(classes) != header.classes):
        raise ConfigError(
            f"{path} states its own {next(iter(options), 'classes')}, which cannot be set again",
            "Leave it out. If it was stated wrongly, import the original again.",
        )
    stated = resolve(catalog.get("methods", header.method).value, header.options)
    return header.model_copy(update={"options": stated}), read_tensors(path)


def _official(
    path: Path, catalog: Catalog, model: str, options: Mapping[str, str], classes: Sequence[str]
) -> tuple[Header, Converted]:
    if not model:
        raise ConfigError(f"{path} does not say which method it is of", "Add --model NAME.")
    method: Method = catalog.get("methods", model).value
    given = {name: value for name, value in resolve(method, options).items() if name in options}
    converted = _convert(path, method, given, tuple(classes))
    resolved = resolve(method, converted.options)
    # What augments belongs to training, of which the file says nothing.
    input = replace(method.recipe.input, augment="", frames=converted.frames or method.recipe.input.frames)
    input = replace(input, size=input_size(Recipe(input), resolved, catalog))
    header = Header(
        schema=SCHEMA,
        method=model,
        options=resolved,
        classes=list(converted.classes),
        input=input,
        precision=method.recipe.precision,
        holds="all",
        notes=list(converted.notes),
    )
    return header, converted


def _convert(path: Path, method: Method, given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """What the method makes of the file; its complaints about the tensors name the file."""
    convert = method.converter()
    if convert is None:
        raise ConfigError(
            f"{method.name} cannot import checkpoints of other programs",
            "Give the checkpoint.safetensors of a run.",
        )
    state = read_foreign(path)
    try:
        return convert(state, given, classes)
    except DataError as error:
        raise DataError(f"{path}: {error.message}", error.hint) from error


def _changed(header: Header, changes: Mapping[str, str]) -> Recipe:
    """The recipe to test by, with what the user changed; what the model was made for stays."""
    recipe = change_recipe(Recipe(header.input, precision=header.precision), changes)
    for name in ("frames", "size"):
        made_for = getattr(header.input, name)
        if getattr(recipe.input, name) != made_for:
            raise ConfigError(f"the model was made for input.{name}={made_for}", "Leave that as it is.")
    return recipe
