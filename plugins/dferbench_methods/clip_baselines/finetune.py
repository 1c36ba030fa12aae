"""Full fine-tuning: the image tower and a linear layer learn, with or without a temporal model between."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dferbench import Method, Recipe, Task
from dferbench_methods.clip_baselines.cards import FINETUNE
from dferbench_methods.clip_baselines.recipes import AUGMENTED, SCHEDULE

if TYPE_CHECKING:
    from dferbench.models import Classifier

STAGE = replace(SCHEDULE, train={r"(temporal\..*)?": 1e-2, r"tower\..*": 1e-5, r"head\..*": 1e-2})
MAFW = Recipe(AUGMENTED, (STAGE,))
DFEW = replace(MAFW, input=replace(AUGMENTED, augment="jitter(brightness=0.5) | random-sized-crop | flip"))
FERV39K = replace(MAFW, input=replace(AUGMENTED, augment="rotate(4) | random-sized-crop | flip"))
SYNTHETIC = Recipe(
    replace(AUGMENTED, augment="random-sized-crop(scale=(0.7, 1)) | flip"),
    (replace(STAGE, epochs=3, batch=16, schedule="steps(2)"),),
)


def build(task: Task, parts: Any, backbone: str = "clip-vit-b32", temporal: str = "mean") -> Classifier:
    """A backbone, a temporal head and a linear layer, all of which learn.

    `temporal=cls-transformer` is the paper's row with temporal model. Raises ConfigError or DataError.
    """
    from dferbench_methods.clip_baselines.linear import LinearClassifier

    return LinearClassifier(task, parts, backbone, temporal)


METHOD = Method(
    "finetune",
    build,
    MAFW,
    recipe_for={"dfew": DFEW, "ferv39k": FERV39K, "mafw": MAFW, "synthetic": SYNTHETIC},
    paper="arXiv:2308.13382",
    card=FINETUNE,
)
