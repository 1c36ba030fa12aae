"""Zero-shot: CLIP (Radford et al., ICML 2021) and FaRL (Zheng et al., CVPR 2022) as they are."""

from __future__ import annotations

from dferbench import Method, Recipe
from dferbench_methods.clip_baselines.cards import ZERO_SHOT_CLIP, ZERO_SHOT_FARL
from dferbench_methods.clip_baselines.options import ZeroShotFarlOptions, ZeroShotOptions
from dferbench_methods.clip_baselines.recipes import SEEN_ONCE

METHODS = (
    Method(
        name="zero-shot-clip",
        build="dferbench_methods.clip_baselines.model:zero_shot",
        recipe=Recipe(SEEN_ONCE),
        paper="arXiv:2103.00020",
        card=ZERO_SHOT_CLIP,
        options=ZeroShotOptions,
    ),
    Method(
        name="zero-shot-farl",
        build="dferbench_methods.clip_baselines.model:zero_shot_farl",
        recipe=Recipe(SEEN_ONCE),
        paper="arXiv:2112.03109",
        card=ZERO_SHOT_FARL,
        options=ZeroShotFarlOptions,
    ),
)
