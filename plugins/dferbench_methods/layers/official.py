"""Checkpoints of authors' code whose tensors are ours under other names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from dferbench import ConfigError, Converted, DataError
from dferbench.data.official import CLASSES
from dferbench_methods.layers.start import COUNTER

SEVEN = CLASSES[:7]
"""The classes of DFEW and FERV39k in the order of the labels of most released lists."""


def need(state: Mapping[str, Tensor], name: str, dims: int, method: str) -> Tensor:
    """A tensor of the file with that many dimensions. Raises DataError that names it."""
    hint = f"Is it a checkpoint of {method}?"
    if name not in state:
        raise DataError(f"it lacks the weights '{name}'", hint)
    if state[name].ndim != dims:
        raise DataError(f"'{name}' is of shape {list(state[name].shape)}, not of {dims} dimensions", hint)
    return state[name]


def count_layers(state: Mapping[str, Tensor], part: str, method: str) -> int:
    """How many `layers` a part of the file's network has. Raises DataError for none."""
    found = (re.match(rf"{re.escape(part)}\.layers\.(\d+)\.", name) for name in state)
    numbers = {match[1] for match in found if match}
    if not numbers:
        raise DataError(f"it lacks the layers '{part}'", f"Is it a checkpoint of {method}?")
    return len(numbers)


def name_classes(
    count: int, given: tuple[str, ...], known: tuple[str, ...], whose: str
) -> tuple[tuple[str, ...], str]:
    """The names of a checkpoint's classes in order, and in words where they come from.

    Those `given` by the user, else those `known` if there are as many, which `whose` tells of. Raises
    ConfigError for a number of classes that neither fits.
    """
    if given and len(given) != count:
        raise ConfigError(
            f"{len(given)} classes were named, and the checkpoint has {count}", "Name them all."
        )
    if given:
        return given, "The classes were named by the user."
    if count != len(known):
        raise ConfigError(
            f"the checkpoint has {count} classes, whose names it does not say",
            "Name them in the order of its labels: --classes a,b,c.",
        )
    return known, f"The classes are assumed to be those of {whose}, in the order of their labels."


def agreed(read: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were read off a file, and the user's. Raises ConfigError if they contradict, and for
    a file to start from, of which nothing would be left."""
    if given.get("weights"):
        raise ConfigError("the checkpoint has all weights of its own", "Leave weights out.")
    for name, value in read.items():
        if given.get(name, value) != value:
            raise ConfigError(f"the checkpoint's {name} is {value}, not {given[name]}", f"Leave {name} out.")
    return {**read, **given}


def renamed(
    state: Mapping[str, Tensor],
    build: Callable[[], nn.Module],
    called: Callable[[str], str],
    method: str,
    **facts: Any,
) -> Converted:
    """The file's tensors under our names, for the model that `build` makes; `called` gives theirs for ours.

    `facts` are the other fields of `Converted`. Batch norm's counters, which old files lack, are added.
    Raises DataError for a tensor that the model has no place for; what is missing shows when it is loaded.
    """
    with torch.device("meta"):
        own = list(build().state_dict())
    pairs = tuple((name, called(name)) for name in own)
    ours = {theirs: name for name, theirs in pairs}
    for name in state:
        if name not in ours:
            raise DataError(
                f"'{name}' is not a tensor of {method}'s released code", f"Is it a checkpoint of {method}?"
            )
    counters = {name: torch.tensor(0) for name in own if name.endswith(COUNTER)}
    taken = {ours[name]: tensor for name, tensor in state.items()}
    return Converted(state={**counters, **taken}, names=pairs, **facts)
