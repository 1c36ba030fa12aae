"""Zero-shot: CLIP (Radford et al., ICML 2021) and FaRL (Zheng et al., CVPR 2022) as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dferbench import ConfigError, Method, Recipe, Task, parse_one
from dferbench_methods.clip_baselines.cards import ZERO_SHOT_CLIP, ZERO_SHOT_FARL
from dferbench_methods.clip_baselines.recipes import SEEN_ONCE

if TYPE_CHECKING:
    from dferbench.models import Classifier


def build(
    task: Task,
    parts: Any,
    backbone: str = "clip-vit-b32",
    temporal: str = "mean",
    prompt: str = "fixed",
    text: str = "",
    temperature: float = 0.01,
) -> Classifier:
    """Frame features, pooled, against fixed texts.

    An empty `text` stands for "expression", or for the bare class names where the prompt brings templates of
    its own. Raises ConfigError for parts that would have to learn, or DataError.
    """
    from dferbench.models import FrozenCosineClassifier, compose

    source = text or ("class-names" if parse_one(prompt).name == "ensemble" else "expression")
    model = compose(
        FrozenCosineClassifier, task, parts, {},
        backbone=backbone, temporal=temporal, prompt=prompt, text=source, temperature=temperature,
    )  # fmt: skip
    for what, part in {f"temporal={temporal}": model.temporal, f"prompt={prompt}": model.prompt}.items():
        if list(part.parameters()):
            raise ConfigError(
                f"zero-shot trains nothing, and {what} has something to learn",
                "Use temporal=mean, and prompt=fixed or prompt=ensemble.",
            )
    return model


def build_farl(
    task: Task,
    parts: Any,
    backbone: str = "farl-vit-b16",
    temporal: str = "mean",
    prompt: str = "fixed",
    text: str = "",
    temperature: float = 0.01,
) -> Classifier:
    """The same over FaRL's towers."""
    return build(task, parts, backbone, temporal, prompt, text, temperature)


METHODS = (
    Method("zero-shot-clip", build, Recipe(SEEN_ONCE), paper="arXiv:2103.00020", card=ZERO_SHOT_CLIP),
    Method("zero-shot-farl", build_farl, Recipe(SEEN_ONCE), paper="arXiv:2112.03109", card=ZERO_SHOT_FARL),
)
