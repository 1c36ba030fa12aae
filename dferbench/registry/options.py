"""Options: a pydantic model or a signature says what `--set` may say; it is checked before any work."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError, create_model

from dferbench import spec
from dferbench.errors import ConfigError, UnknownName
from dferbench.registry.kinds import KINDS
from dferbench.registry.ranges import value_range, written
from dferbench.types import Compute, Input, Method, Options, Recipe, Stage

_Part = TypeVar("_Part", Input, Stage, Compute)
RECIPE = ("input", "stage", "precision", "compute", "targets")
"""How what `--set` says of a recipe begins."""
_PARTS = {Input: "an input", Stage: "a stage", Compute: "compute"}


def options_of(method: Method) -> type[BaseModel]:
    """The model of a method's options: its own, or one made of the signature of its `build`.

    Raises ConfigError if `build` cannot be imported, or has a parameter that is not an option.
    """
    return method.options or from_signature(method.builder(), KINDS["methods"].given)


def from_signature(build: Callable[..., Any], given: int = 0) -> type[BaseModel]:
    """A model of the keyword parameters of `build` behind the first `given` ones, of their defaults' types.

    It is made once: a suite asks for it with each of its rows. Raises ConfigError for a parameter without a
    default, which no user could leave out.
    """
    try:
        hash(build)
    except TypeError:  # an object that can be called and is no key
        return _made_of(build, given)
    return _kept(build, given)


def _made_of(build: Callable[..., Any], given: int) -> type[BaseModel]:
    parameters = list(inspect.signature(build).parameters.values())[given:]
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    for parameter in named:
        if parameter.default is parameter.empty:
            raise ConfigError(f"option '{parameter.name}' has no default", "Give every option a default.")
    known: dict[str, Any] = {p.name: (_kind(p.default), p.default) for p in named}
    made: type[BaseModel] = create_model("Options", __base__=Options, **known)
    return made


_kept = lru_cache(maxsize=256)(_made_of)


def _kind(default: Any) -> Any:
    """The type that a default stands for: its own if it is plain, any for None and objects of plugins."""
    return type(default) if isinstance(default, bool | int | float | str | tuple | list | dict) else Any


def resolve(
    method: Method, given: Mapping[str, Any], instead: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """Every option of a method: `given`, which may be texts as of `--set`, over the values that stand
    `instead` of defaults.

    Raises UnknownName for an option that is not there and ConfigError for a value that does not fit.
    """
    return validated(options_of(method), given, method.name, instead)


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
    raise ConfigError(f"option '{name}' must be {kind}, got '{text}'", f"Its default is {default}.")


class _Misfit:
    """Marks a value that fits no type: true and false are not numbers here, though Python says so."""


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


def split_recipe(given: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Part what `--set` says into a method's options and changes of its recipe (`RECIPE`)."""
    recipe = {k: v for k, v in given.items() if k.split(".")[0] in RECIPE}
    return {k: v for k, v in given.items() if k not in recipe}, recipe


def change_recipe(recipe: Recipe, changes: Mapping[str, str]) -> Recipe:
    """The recipe with `input.frames=8`, `stage.batch=16` (every stage) or `stage.NAME.batch=16` applied.

    Raises UnknownName for a field or stage that is not there and ConfigError for a value of the wrong type.
    """
    for path, text in changes.items():
        place, _, name = path.rpartition(".")
        if place == "input":
            recipe = replace(recipe, input=_set(recipe.input, name, text))
        elif place == "compute":
            recipe = replace(recipe, compute=_set(recipe.compute, name, text))
        elif place.split(".")[0] == "stage":
            recipe = replace(recipe, stages=_set_stages(recipe.stages, place[6:], name, text))
        elif path == "precision":
            recipe = replace(recipe, precision=text)
        elif path == "targets":
            recipe = replace(recipe, targets=text)
        else:
            raise UnknownName(
                "part of a recipe",
                path,
                ["input.FIELD", "stage.FIELD", "compute.FIELD", "precision", "targets"],
            )
    return recipe


def _set_stages(stages: tuple[Stage, ...], wanted: str, name: str, text: str) -> tuple[Stage, ...]:
    names = [stage.name for stage in stages]
    if not stages:
        raise ConfigError(
            "this method trains nothing: it has no stages", "Leave out the number of epochs and stage.*."
        )
    if wanted and wanted not in names:
        raise UnknownName("stage", wanted, names)
    return tuple(_set(s, name, text) if wanted in ("", s.name) else s for s in stages)


def _set(thing: _Part, name: str, text: str) -> _Part:
    known = {f.name: getattr(thing, f.name) for f in fields(thing)}
    if name not in known:
        raise UnknownName(f"field of {_PARTS[type(thing)]}", name, known)
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


def validated(
    model: type[BaseModel],
    stated: Mapping[str, Any],
    what: str,
    instead: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """Every option of `model`, checked: as in `stated`, else as in `instead`, else at its default.

    Raises UnknownName for an option that is not there and ConfigError for a value that does not fit.
    """
    for name in stated:
        if name not in model.model_fields:
            raise UnknownName(f"option of {what}", name, model.model_fields)
    values = {name: _read(value, model.model_fields[name].annotation) for name, value in stated.items()}
    try:
        return dict(model.model_validate({**instead, **values}))
    except ValidationError as error:
        raise _refusal(model, error, what, {**instead, **stated}) from None


def require_numbers(bound: inspect.BoundArguments, what: str) -> None:
    """Numbers stand where the signature's defaults are numbers, and they are finite. Raises ConfigError.

    For what has no model of options, whose code would meet a word such as nan in the middle of a formula.
    """
    for name, value in bound.arguments.items():
        default = bound.signature.parameters[name].default
        number = isinstance(default, int | float) and not isinstance(default, bool)
        if number and (isinstance(value, str | bool) or value in (math.inf, -math.inf)):
            kind = "number" if isinstance(default, float) else "whole number"
            raise ConfigError(
                f"{name} of {what} must be a {kind}, got {written(value)}",
                f"Its default is {written(default)}.",
            )


def _read(value: Any, annotation: Any) -> Any:
    """A text as the value that it writes, unless the option is a text or a choice of texts itself."""
    kinds = map(type, get_args(annotation)) if get_origin(annotation) is Literal else (annotation,)
    return spec.value(value) if isinstance(value, str) and not all(kind is str for kind in kinds) else value


def _refusal(
    model: type[BaseModel], error: ValidationError, what: str, values: Mapping[str, Any]
) -> ConfigError:
    """The first thing that is wrong, in one sentence: the option, what it may be, and what it is."""
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    if name not in model.model_fields:
        return ConfigError(f"{what}: {_reason(first['msg'])}", f"See dferbench show {what.split()[-1]}.")
    field = model.model_fields[name]
    choices = get_args(field.annotation) if first["type"] == "literal_error" else ()
    if choices and all(isinstance(choice, str) for choice in choices):
        return UnknownName(f"{name} of {what}", str(values[name]), choices)
    own = first["type"] in ("value_error", "assertion_error")
    reason = _reason(first["msg"]) if own else f"must be {value_range(model, name)}"
    return ConfigError(
        f"{name} of {what} {reason}, got {written(values[name])}",
        f"Its default is {written(field.default)}; see dferbench show {what.split()[-1]}.",
    )


def _reason(message: str) -> str:
    """What a validator said, without the words that pydantic puts before it."""
    return message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
