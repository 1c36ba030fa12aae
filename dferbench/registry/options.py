"""Options: the signature is the schema. What `--set` may say, checked and converted before any work."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from dferbench import spec
from dferbench.errors import ConfigError, UnknownName
from dferbench.types import Input, Recipe, Stage

_Part = TypeVar("_Part", Input, Stage)


def schema(build: Callable[..., Any], given: int = 0) -> dict[str, Any]:
    """The options of `build` and their defaults: its keyword parameters behind the first `given` ones.

    Raises ConfigError for a parameter without a default, which no user could leave out.
    """
    parameters = list(inspect.signature(build).parameters.values())[given:]
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    for parameter in named:
        if parameter.default is parameter.empty:
            raise ConfigError(f"option '{parameter.name}' has no default", "Give every option a default.")
    return {p.name: p.default for p in named}


def convert(name: str, text: Any, default: Any) -> Any:
    """`text` as a value of the type of `default`. Raises ConfigError that names the option and the type."""
    value = spec.value(text) if isinstance(text, str) and not isinstance(default, str) else text
    if isinstance(value, bool) and default is not None and not isinstance(default, bool):
        value = _Misfit
    if isinstance(default, float) and isinstance(value, int):
        value = float(value)
    if default is None or isinstance(value, type(default)):
        return value
    kind = {"bool": "true or false", "int": "a whole number", "float": "a number"}.get(
        type(default).__name__, f"a {type(default).__name__}"
    )
    raise ConfigError(f"option '{name}' wants {kind}, not '{text}'", f"Its default is {default}.")


class _Misfit:
    """Marks a value that fits no type: true and false are no numbers here, though Python says so."""


WEIGHTS = "--weights clip-vit-b32=FILE"
"""How the weights of a backbone are given, for messages."""


def assignments(texts: Iterable[str], example: str = "--set words=4") -> dict[str, str]:
    """`name=value` texts as a mapping; a later one wins. Raises ConfigError, which shows the `example`."""
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise ConfigError(f"'{text}' is not of the form name=value", f"Write for example {example}.")
        pairs[name.strip()] = value.strip()
    return pairs


def resolve(what: str, known: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """All options: the defaults in `known`, with `given` converted and put over them.

    Raises UnknownName for an option that is not known and ConfigError for a value of the wrong type.
    """
    for name in given:
        if name not in known:
            raise UnknownName(f"option of {what}", name, known)
    return {**known, **{name: convert(name, text, known[name]) for name, text in given.items()}}


def split_recipe(given: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Part what `--set` says into a method's options and changes of its recipe (`input.`, `stage.`)."""
    recipe = {k: v for k, v in given.items() if k.split(".")[0] in ("input", "stage", "precision")}
    return {k: v for k, v in given.items() if k not in recipe}, recipe


def change_recipe(recipe: Recipe, changes: Mapping[str, str]) -> Recipe:
    """The recipe with `input.frames=8`, `stage.batch=16` (every stage) or `stage.NAME.batch=16` applied.

    Raises UnknownName for a field or stage that is not there and ConfigError for a value of the wrong type.
    """
    for path, text in changes.items():
        place, _, name = path.rpartition(".")
        if place == "input":
            recipe = replace(recipe, input=_set(recipe.input, name, text))
        elif place.split(".")[0] == "stage":
            recipe = replace(recipe, stages=_set_stages(recipe.stages, place[6:], name, text))
        elif path == "precision":
            recipe = replace(recipe, precision=text)
        else:
            raise UnknownName("part of a recipe", path, ["input.FIELD", "stage.FIELD", "precision"])
    return recipe


def _set_stages(stages: tuple[Stage, ...], wanted: str, name: str, text: str) -> tuple[Stage, ...]:
    names = [stage.name for stage in stages]
    if not stages:
        raise ConfigError("this method trains nothing: it has no stages", "Leave out --epochs and stage.*.")
    if wanted and wanted not in names:
        raise UnknownName("stage", wanted, names)
    return tuple(_set(s, name, text) if wanted in ("", s.name) else s for s in stages)


def _set(thing: _Part, name: str, text: str) -> _Part:
    known = {f.name: getattr(thing, f.name) for f in fields(thing)}
    if name not in known:
        raise UnknownName(f"field of a {type(thing).__name__.lower()}", name, known)
    loose = name == "size"  # a number of pixels or the word "backbone"
    return replace(thing, **{name: convert(name, spec.value(text), None if loose else known[name])})


def filled(model: type[BaseModel], call: spec.Call, noun: str) -> dict[str, Any]:
    """All options of a call, checked by their pydantic model: arguments without a name fill its fields in
    order. Raises UnknownName for an option that is not there and ConfigError for a value that does not fit.
    """
    names = list(model.model_fields)
    if len(call.args) > len(names):
        raise ConfigError(
            f"{noun} {call.name} takes {len(names)} options, got {len(call.args)}",
            f"They are: {', '.join(names)}.",
        )
    stated = {**dict(zip(names, call.args, strict=False)), **call.options}
    return validated(model, stated, f"{noun} {call.name}")


def validated(model: type[BaseModel], stated: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Every option of `model`, those in `stated` checked and the others at their defaults.

    Raises UnknownName for an option that is not there and ConfigError for a value that does not fit.
    """
    for name in stated:
        if name not in model.model_fields:
            raise UnknownName(f"option of {what}", name, model.model_fields)
    try:
        return dict(model.model_validate(stated))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        reason = first["msg"].removeprefix("Value error, ")
        raise ConfigError(
            f"{what}: {name}: {reason[:1].lower()}{reason[1:]}, got {first['input']!r}",
            f"Its default is {model.model_fields[str(first['loc'][0])].default!r}."
            if first["loc"]
            else "See dferbench show.",
        ) from None
