"""The linear probe: frozen frame features, pooled, and one linear layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dferbench import Method, Task
from dferbench_methods.clip_baselines.cards import LINEAR_PROBE
from dferbench_methods.clip_baselines.recipes import frozen

if TYPE_CHECKING:
    from dferbench.models import Classifier

RATES = {r"(temporal\..*)?": 1e-2, r"head\..*": 1e-2}
RECIPE, RECIPE_FOR = frozen(RATES, RATES, epochs=20)


def build(
    task: Task,
    parts: Any,
    backbone: str = "clip-vit-b32",
    temporal: str = "mean",
    normalize: bool = False,
) -> Classifier:
    """A linear layer on the pooled features of a frozen backbone, any that has an image tower.

    `normalize` brings the pooled feature to length one. Raises ConfigError or DataError.
    """
    from dferbench_methods.clip_baselines.linear import LinearProbe

    return LinearProbe(task, parts, backbone, temporal, normalize)


METHOD = Method(
    "linear-probe", build, RECIPE, recipe_for=RECIPE_FOR, paper="arXiv:2308.13382", card=LINEAR_PROBE
)
