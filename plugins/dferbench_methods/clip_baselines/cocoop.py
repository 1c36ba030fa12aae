"""CoCoOp (Zhou, Yang, Loy and Liu, CVPR 2022): CoOp whose words move with the video that is looked at."""

from __future__ import annotations

from dferbench import Method
from dferbench_methods.clip_baselines.cards import COCOOP
from dferbench_methods.clip_baselines.options import CoOpOptions
from dferbench_methods.clip_baselines.recipes import frozen

RECIPE, RECIPE_FOR = frozen(
    {r"(temporal\..*)?": 1e-2, r"prompt\..*": 1e-3, r"meta\..*": 1e-3},
    {r"(temporal\..*)?": 1e-2, r"prompt\..*": 1e-2, r"meta\..*": 1e-2},
    epochs=20,
)
METHOD = Method(
    name="cocoop",
    build="dferbench_methods.clip_baselines.model:cocoop",
    recipe=RECIPE,
    recipe_for=RECIPE_FOR,
    paper="arXiv:2203.05557",
    card=COCOOP,
    options=CoOpOptions,
)
