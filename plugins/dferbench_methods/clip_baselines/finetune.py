"""Full fine-tuning: the image tower and a linear layer learn, with or without a temporal model between."""

from __future__ import annotations

from dataclasses import replace

from dferbench import Method, Recipe
from dferbench_methods.clip_baselines.cards import FINETUNE
from dferbench_methods.clip_baselines.options import FinetuneOptions
from dferbench_methods.clip_baselines.recipes import AUGMENTED, SCHEDULE

STAGE = replace(SCHEDULE, train={r"(temporal\..*)?": 1e-2, r"tower\..*": 1e-5, r"head\..*": 1e-2})
MAFW = Recipe(AUGMENTED, (STAGE,))
DFEW = replace(MAFW, input=replace(AUGMENTED, augment="jitter(brightness=0.5) | random-sized-crop | flip"))
FERV39K = replace(MAFW, input=replace(AUGMENTED, augment="rotate(4) | random-sized-crop | flip"))
SYNTHETIC = Recipe(
    replace(AUGMENTED, augment="random-sized-crop(scale=(0.7, 1)) | flip"),
    (replace(STAGE, epochs=3, batch=16, schedule="steps(2)"),),
)
METHOD = Method(
    name="finetune",
    build="dferbench_methods.clip_baselines.model:finetune",
    recipe=MAFW,
    recipe_for={"dfew": DFEW, "ferv39k": FERV39K, "mafw": MAFW, "synthetic": SYNTHETIC},
    paper="arXiv:2308.13382",
    card=FINETUNE,
    options=FinetuneOptions,
)
