"""CoOp (Zhou, Yang, Loy and Liu, IJCV 2022): words learned before the class name, through frozen towers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dferbench import Method, Task, schema
from dferbench_methods.clip_baselines.cards import COOP
from dferbench_methods.clip_baselines.recipes import frozen

if TYPE_CHECKING:
    from dferbench.models import Classifier

RECIPE, RECIPE_FOR = frozen(
    {r"(temporal\..*)?": 1e-2, r"(prompt\..*)?": 1e-3},
    {r"(temporal\..*)?": 1e-2, r"(prompt\..*)?": 1e-2},
    epochs=40,
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
    """Pooled frame features against class names with learned words around them.

    `words`, `shared` (one set for all classes), `position` of the name and `init` (words to start from, whose
    number replaces `words`) describe the context; a prompt that has none refuses them. Raises ConfigError or
    DataError.
    """
    from dferbench.models import FrozenCosineClassifier, compose

    return compose(
        FrozenCosineClassifier, task, parts, schema(build, given=2),
        backbone=backbone, temporal=temporal, prompt=prompt, text=text, temperature=temperature,
        words=words, shared=shared, position=position, init=init,
    )  # fmt: skip


METHOD = Method("coop", build, RECIPE, recipe_for=RECIPE_FOR, paper="arXiv:2109.01134", card=COOP)
