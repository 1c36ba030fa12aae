"""Which configuration a run belongs to: eight hex digits over everything that changes a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from dferbench.errors import ConfigError, DataError
from dferbench.files import digest, expand, sha256_of
from dferbench.registry.catalog import Catalog
from dferbench.registry.datasets import Chosen
from dferbench.registry.options import options_of
from dferbench.types import Compute, Recipe

NOTHING: Mapping[str, Any] = MappingProxyType({})
LATER = {"order": "natural", "resize": "bilinear"}
"""Fields of an input that came after the first release, and what was done before there was a choice."""


def config_id(
    method: str,
    options: Mapping[str, Any],
    recipe: Recipe,
    chosen: Chosen,
    weights: Mapping[str, str],
    limit: int | None,
    catalog: Catalog,
    also: Mapping[str, Any] = NOTHING,
) -> str:
    """Eight hex digits over what changes a result; output, workers and device must not.

    `weights` are those of backbones, as the user named them. `also` is what few configurations have: under
    "checkpoint" the sha256 of the file that a model comes from that is not trained here, under "validation"
    what is held out of the training videos. Raises ConfigError, DataError or UnknownName for weights.
    """
    later = getattr(options_of(catalog.get("methods", method).value), "later", {})
    what = {
        "method": method,
        "options": _without_later(options, later),
        "recipe": first_form(recipe),
        "dataset": [chosen.entry.name, dict(chosen.options)],
        "weights": {name: _weights(name, text, catalog) for name, text in sorted(weights.items())},
        "limit": limit,
    }
    # Without them the keys stay out, so that the ids of other configurations are what they always were.
    return digest(what | {name: value for name, value in also.items() if value})[:8]


def first_form(recipe: Recipe) -> dict[str, Any]:
    """The recipe under the names of the first release, so that the same configuration keeps its id.

    `input` was called `view`, its `draws` and the sampler's `clips` were both called `views`. In how many
    parts a batch is computed changes nothing that is trained, and is left out.
    """
    form = asdict(recipe)
    for stage in form["stages"]:
        del stage["accumulate"]
    view = _without_later(form.pop("input"), LATER)
    view["views"] = view.pop("draws")
    view["sample"] = view["sample"].replace("clips=", "views=")
    compute = _without_later(form.pop("compute"), asdict(Compute()))
    form = _without_later(form, {"targets": Recipe().targets})
    return {**form, "view": view, **({"compute": compute} if compute else {})}


def _without_later(given: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """What is given, less what came later and has the value that stands for how it was before."""
    return {name: value for name, value in given.items() if name not in later or value != later[name]}


def _weights(name: str, text: str, catalog: Catalog) -> str:
    if name in catalog.entries["methods"] and name not in catalog.entries["backbones"]:
        raise ConfigError(
            f"--weights is for backbones, and '{name}' is a method",
            f"Methods that start from a file take it as --set weights=FILE: see dferbench show {name}.",
        )
    catalog.get("backbones", name)
    if text == "random":
        return text
    path = expand(text)
    if not path.is_file():
        raise DataError(f"the weights of {name}, {path}, are not a file", f"Use --weights {name}=FILE.")
    return sha256_of(path)
