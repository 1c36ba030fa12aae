"""The linear probe: frozen frame features, pooled, and one linear layer."""

from __future__ import annotations

from dferbench import Method
from dferbench_methods.clip_baselines.cards import LINEAR_PROBE
from dferbench_methods.clip_baselines.options import LinearProbeOptions
from dferbench_methods.clip_baselines.recipes import frozen

RATES = {r"(temporal\..*)?": 1e-2, r"head\..*": 1e-2}
RECIPE, RECIPE_FOR = frozen(RATES, RATES, epochs=20)
METHOD = Method(
    name="linear-probe",
    build="dferbench_methods.clip_baselines.model:linear_probe",
    recipe=RECIPE,
    recipe_for=RECIPE_FOR,
    paper="arXiv:2308.13382",
    card=LINEAR_PROBE,
    options=LinearProbeOptions,
)
