"""FaRL (Zheng et al., CVPR 2022): a CLIP ViT-B/16 trained on images of faces and their texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import open_clip

from dferbench import DataError, expand
from dferbench.models import TwoTower
from dferbench_methods.clip_backbones.towers import load_tower, random_tower

NAME = "farl-vit-b16"
ARCHITECTURE = "ViT-B-16-quickgelu"
# The head that learned to fill in masked patches, which nothing here looks at.
PRETRAINING_ONLY = ("visual.mask_token", "visual.lm_transformer.", "visual.ln_lm.", "visual.lm_head.")


def build_farl(weights: str | None = None, config: Mapping[str, Any] | None = None) -> TwoTower:
    """Both towers of FaRL in float32, from the file its authors released, or "random" from a fixed seed.

    `config` replaces the architecture. Raises DataError for weights that are missing, damaged or those of
    another architecture. The head of the masked pre-training may be in the file, and is left out.
    """
    config = config or open_clip.get_model_config(ARCHITECTURE)
    if weights == "random":
        return random_tower(config)
    if weights is None:
        raise DataError(
            f"the weights of {NAME} are on no hub",
            "Get FaRL-Base-Patch16-LAIONFace20M-ep16.pth (or ep64) from the release 'pretrained_weights' of "
            f"FacePerceiver/FaRL on GitHub, and add --weights {NAME}=FILE.",
        )
    return load_tower(config, expand(weights), ignore=PRETRAINING_ONLY)
