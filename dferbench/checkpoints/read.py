"""Reading models that were trained before: a run's file, an imported file, or the file of another program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from dferbench.checkpoints.chosen_input import BY_USER, default_input, right_input, same_input
from dferbench.checkpoints.format import Header, read_header, read_proved
from dferbench.checkpoints.official import Said, read_official
from dferbench.checkpoints.trained_on import UNKNOWN
from dferbench.errors import ConfigError, DataError
from dferbench.files import sha256_of
from dferbench.models.safetensors_files import is_own, is_safetensors
from dferbench.registry.catalog import Catalog, Entry
from dferbench.registry.datasets import Chosen
from dferbench.registry.options import change_recipe, resolve, split_recipe
from dferbench.types import Input, Method, Recipe

ANOTHER_INPUT = "another input"
"""The caveat of a test through another input than the right one."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was read: its header, its tensors, and the recipe (without stages) to test it by.

    `input_from` says in words why it is tested through the input of the recipe, and `caveats` what its
    results are worth. `missing` are beginnings of names of tensors that a backbone's own weights complete.
    """

    path: Path
    sha256: str
    header: Header
    state: Mapping[str, Tensor]
    method: Entry
    recipe: Recipe
    input_from: str
    caveats: tuple[str, ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    """How names begin in our model and in the file, where they differ."""
    missing: tuple[str, ...] = ()

    def called(self, name: str) -> str:
        """What the file calls a tensor of our model."""
        ours, theirs = next((pair for pair in self.names if name.startswith(pair[0])), ("", ""))
        return theirs + name.removeprefix(ours)

    @property
    def facts(self) -> dict[str, Any]:
        """What a record should say of it."""
        kept = {
            "classes", "holds", "dataset", "fold", "trained_on", "seed", "config_id", "source", "notes",
        }  # fmt: skip
        stated = {"file": self.path.name, "sha256": self.sha256, **self.header.model_dump(include=kept)}
        return {**stated, "input_from": self.input_from, "caveats": list(self.caveats)}


def read_checkpoint(
    path: Path,
    catalog: Catalog,
    *,
    model: str = "",
    sets: Mapping[str, str] | None = None,
    said: Said | None = None,
    dataset: Chosen | None = None,
) -> Checkpoint:
    """Read the checkpoint of a run, an imported file, or one that the code of a method's authors saved.

    `model` names the method: needed for the authors' files, checked for others. `sets` may change the input
    (`input.sample=...`) and the precision; for the authors' files it may also hold options, and `said` more
    that the file does not state. `dataset` is what it is to be tested on, None for videos of no dataset: it
    decides on the input where the file says nothing. Nothing in the file is executed. Raises DataError for
    what is wrong with the file, ConfigError or UnknownName for the rest.
    """
    if not path.is_file():
        raise DataError(f"there is no checkpoint {path}", "Check its path.")
    options, changes = split_recipe(sets or {})
    said = said or Said()
    names: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()
    if is_safetensors(path) and (is_own(path) or not model):
        header, state = _own(path, catalog, model, options, said.classes)
    else:
        header, converted = read_official(path, catalog, model, replace(said, options=options))
        state, names, missing = converted.state, converted.names, converted.missing
    entry = catalog.get("methods", header.method)
    right, whose = right_input(header, entry.value, dataset)
    recipe, why = _tested(header, right, whose, changes)
    caveats = _caveats(header, recipe, right, catalog)
    return Checkpoint(path, sha256_of(path), header, state, entry, recipe, why, caveats, names, missing)


def _own(
    path: Path, catalog: Catalog, model: str, options: Mapping[str, str], classes: Sequence[str]
) -> tuple[Header, Mapping[str, Tensor]]:
    header, tensors = read_header(path), read_proved(path)
    if model and model != header.method:
        raise ConfigError(f"{path} holds a model of {header.method}, not of {model}", "Leave --model out.")
    if options or (classes and list(classes) != header.classes):
        raise ConfigError(
            f"{path} states its own {next(iter(options), 'classes')}, which cannot be set again",
            "Leave it out. If it was stated wrongly, import the original again.",
        )
    method: Method = catalog.get("methods", header.method).value
    header = _told_before(header, method, catalog)
    return header.model_copy(update={"options": resolve(method, header.options)}), tensors


def _told_before(header: Header, method: Method, catalog: Catalog) -> Header:
    """A header of before it was kept who stated the input: one that is not the default was the user's."""
    if not header.source or same_input(header.input, default_input(header, method), catalog):
        return header
    return header.model_copy(update={"input_given": True})


def _tested(header: Header, right: Input, whose: str, changes: Mapping[str, str]) -> tuple[Recipe, str]:
    """The recipe to test by, and who says so: the user, now or when the file was taken over, or the `right`
    one. What the model was made for stays."""
    by_user = header.input_given or any(name.startswith("input.") for name in changes)
    base = header.input if header.input_given else right
    recipe = change_recipe(Recipe(base, precision=header.precision), changes)
    for name in ("frames", "size"):
        made_for = getattr(header.input, name)
        if getattr(recipe.input, name) != made_for:
            raise ConfigError(f"the model was made for input.{name}={made_for}", "Leave that as it is.")
    return recipe, BY_USER if by_user else whose


def _caveats(header: Header, recipe: Recipe, right: Input, catalog: Catalog) -> tuple[str, ...]:
    """What the results of the checkpoint are worth."""
    unknown = [] if header.seen else [UNKNOWN]
    fair = (right, replace(right, **header.also))
    changed = [] if any(same_input(recipe.input, one, catalog) for one in fair) else [ANOTHER_INPUT]
    return tuple(dict.fromkeys([*header.caveats, *unknown, *changed]))
