"""From what the user typed to a dataset: `NAME`, `NAME(option=value)` or `NAME:PATH`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dferbench import spec
from dferbench.careful import contained
from dferbench.registry.catalog import Catalog, Entry
from dferbench.registry.options import from_signature, validated
from dferbench.types import Dataset


@dataclass(frozen=True)
class Chosen:
    """A dataset with its options: all of them, and those that the user gave."""

    entry: Entry
    dataset: Dataset
    options: dict[str, Any]
    given: dict[str, Any]


def make_dataset(text: str, catalog: Catalog) -> Chosen:
    """The dataset that the text names; `NAME:PATH` is short for `NAME(path=PATH)`.

    Raises UnknownName or ConfigError.
    """
    call = _call(text)
    entry = catalog.get("datasets", call.name)
    dataset = entry.load()
    spec.bind(call, dataset, "dataset")
    known = entry.options or from_signature(dataset)
    options = validated(known, call.options, f"dataset {call.name}")
    with contained(entry.whose):
        made = dataset(**options)
    return Chosen(entry, made, options, dict(call.options))


def written(name: str, given: Mapping[str, Any]) -> str:
    """The text that names a dataset with the options that a user gave: what `make_dataset` reads."""
    options = ", ".join(f"{option}={value!r}" for option, value in given.items())
    return f"{name}({options})" if options else name


def _call(text: str) -> spec.Call:
    short = re.fullmatch(r"([\w-]+):(.+)", text)
    if short:
        return spec.Call(short[1], (), {"path": short[2]})
    return spec.parse_one(text)
