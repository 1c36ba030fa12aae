"""CoCoOp (Zhou, Yang, Loy and Liu, CVPR 2022): CoOp whose words move with the video that is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dferbench import Method, Task, schema
from dferbench_methods.clip_baselines.cards import COCOOP
from dferbench_methods.clip_baselines.recipes import frozen

if TYPE_CHECKING:
    from dferbench.models import Classifier

RECIPE, RECIPE_FOR = frozen(
    {r"(temporal\..*)?": 1e-2, r"prompt\..*": 1e-3, r"meta\..*": 1e-3},
    {r"(temporal\..*)?": 1e-2, r"prompt\..*": 1e-2, r"meta\..*": 1e-2},
    epochs=20,
)


def build(  # noqa: PLR0913 - the signature is the list of options
    task: Task,
    parts: Any,
    backbone: str = "clip-vit-b32",
    temporal: str = "mean",
    prompt: str = "context",
    words: int = 8,
    shared: bool = True,
    position: str = "end",
    init: str = "",
    text: str = "class-names",
    temperature: float = 0.01,
) -> Classifier:
    """CoOp with the meta-net; the options are CoOp's, and the prompt must have learned words.

    Raises ConfigError or DataError.
    """
    from dferbench.models import compose
    from dferbench_methods.clip_baselines.conditional import CoCoOp

    return compose(
        CoCoOp, task, parts, schema(build, given=2),
        backbone=backbone, temporal=temporal, prompt=prompt, text=text, temperature=temperature,
        words=words, shared=shared, position=position, init=init,
    )  # fmt: skip


METHOD = Method("cocoop", build, RECIPE, recipe_for=RECIPE_FOR, paper="arXiv:2203.05557", card=COCOOP)
