"""CoOp (Zhou, Yang, Loy and Liu, IJCV 2022): words learned before the class name, through frozen towers."""

from __future__ import annotations

from dferbench import Method
from dferbench_methods.clip_baselines.cards import COOP
from dferbench_methods.clip_baselines.options import CoOpOptions
from dferbench_methods.clip_baselines.recipes import frozen

RECIPE, RECIPE_FOR = frozen(
    {r"(temporal\..*)?": 1e-2, r"(prompt\..*)?": 1e-3},
    {r"(temporal\..*)?": 1e-2, r"(prompt\..*)?": 1e-2},
    epochs=40,
)
METHOD = Method(
    name="coop",
    build="dferbench_methods.clip_baselines.model:coop",
    recipe=RECIPE,
    recipe_for=RECIPE_FOR,
    paper="arXiv:2109.01134",
    card=COOP,
    options=CoOpOptions,
)
