"""Through which input a checkpoint is tested, and why that one.

The checkpoint of a run brings the input of that run. An official file is tested as the recipe of its method
tests on the data that it was trained on, if it says so, and else on the dataset that it is tested on; where
its names or shapes tell that other code saved it, as that code does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from dferbench.checkpoints.format import Header
from dferbench.data.pipeline import make_sampler
from dferbench.registry.catalog import Catalog
from dferbench.registry.datasets import Chosen
from dferbench.types import Input, Method

BY_USER = "the user (--set input.*)"
LENGTHS = (*range(1, 130), *range(130, 1100, 61))
"""Of the videos on which two samplers must agree to be called the same."""


def right_input(header: Header, method: Method, chosen: Chosen | None) -> tuple[Input, str]:
    """The input of the authors for testing on a dataset, or on videos of none, and whose it is in words."""
    if header.dataset:
        return header.input, "the run that trained it"
    if header.input_given and chosen is None:
        # No recipe is for videos of no dataset, so that nothing speaks against what was stated.
        return header.input, BY_USER
    name, why = _recipe_for(header, method, chosen)
    input = _of_recipe(header, method, name)
    whose = f"the recipe of {method.name} for {name if name in method.recipe_for else 'any dataset'}{why}"
    # What the tensors were made for is the model's, whatever data it sees.
    input = replace(input, frames=header.input.frames, size=header.input.size)
    return input, header.whose if _own_fields(header, name) else whose


def default_input(header: Header, method: Method) -> Input:
    """The input for videos of no dataset."""
    return right_input(header, method, None)[0]


def _recipe_for(header: Header, method: Method, chosen: Chosen | None) -> tuple[str, str]:
    """The dataset whose recipe holds, "" for any, and more words on why.

    The recipe for drawn videos is made for small models, trained on them, so it never holds here.
    """
    tested = "" if chosen is None or chosen.dataset.synthetic else chosen.entry.name
    trained = list(dict.fromkeys(one.dataset for one in header.trained_on))
    if not trained or tested in trained:
        return tested, ""
    inputs = [_of_recipe(header, method, name) for name in trained]
    if any(one != inputs[0] for one in inputs):
        return tested, ""
    return trained[0], f", {trained[0]} being what it was trained on"


def _of_recipe(header: Header, method: Method, name: str) -> Input:
    """How the recipe for a dataset tests, with what the file tells. What augments belongs to training."""
    recipe = method.recipe_for.get(name, method.recipe)
    plain = replace(recipe.input, augment="", augment_on="host", draws=0)
    return replace(plain, **_own_fields(header, name))


def _own_fields(header: Header, name: str) -> dict[str, Any]:
    return header.input_for.get(name, header.input_for.get("", {}))


def same_input(one: Input, other: Input, catalog: Catalog) -> bool:
    """Whether two inputs show a model the same pixels in testing, however they are written."""
    first, second = (replace(input, sample="", augment="", augment_on="", draws=0) for input in (one, other))
    return first == second and (one.sample == other.sample or _same_frames(one, other, catalog))


def _same_frames(one: Input, other: Input, catalog: Catalog) -> bool:
    first, second = (make_sampler(input, catalog) for input in (one, other))
    return first.shuffle == second.shuffle and all(
        np.array_equal(first(count, one.frames, None), second(count, one.frames, None)) for count in LENGTHS
    )
