"""What methods compute with: the classifier contract, and the modules that they are composed of.

Importing the package costs nothing: torch is imported with the first name that needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dferbench.lazy import names_of

if TYPE_CHECKING:
    from dferbench.models.attention import attend
    from dferbench.models.classifier import Batch, Classifier
    from dferbench.models.cosine import CosineClassifier, FrozenCosineClassifier, compose, require_text_tower
    from dferbench.models.ensemble import Ensemble
    from dferbench.models.frames import FrameClassifier, Frozen, frame_features
    from dferbench.models.loading import load_exactly, load_some
    from dferbench.models.parts import Parts
    from dferbench.models.prompts import Context, Fixed, Prompt
    from dferbench.models.temporal import LAYER_IN_FILES, Attention, ClsTransformer, Lstm, Mean, PreNorm
    from dferbench.models.texts import DESCRIPTORS, TEMPLATES, class_texts, inline_texts
    from dferbench.models.torch_files import is_torchscript, read_foreign
    from dferbench.models.two_tower import TextTower, TwoTower, Weights
    from dferbench.models.windows import WindowClassifier, mean_probabilities

__all__ = [
    "DESCRIPTORS",
    "LAYER_IN_FILES",
    "TEMPLATES",
    "Attention",
    "Batch",
    "Classifier",
    "ClsTransformer",
    "Context",
    "CosineClassifier",
    "Ensemble",
    "Fixed",
    "FrameClassifier",
    "Frozen",
    "FrozenCosineClassifier",
    "Lstm",
    "Mean",
    "Parts",
    "PreNorm",
    "Prompt",
    "TextTower",
    "TwoTower",
    "Weights",
    "WindowClassifier",
    "attend",
    "class_texts",
    "compose",
    "frame_features",
    "inline_texts",
    "is_torchscript",
    "load_exactly",
    "load_some",
    "mean_probabilities",
    "read_foreign",
    "require_text_tower",
]

__getattr__ = names_of(
    __name__,
    {
        "attention": ["attend"],
        "classifier": ["Batch", "Classifier"],
        "cosine": ["CosineClassifier", "FrozenCosineClassifier", "compose", "require_text_tower"],
        "ensemble": ["Ensemble"],
        "frames": ["FrameClassifier", "Frozen", "frame_features"],
        "loading": ["load_exactly", "load_some"],
        "parts": ["Parts"],
        "prompts": ["Context", "Fixed", "Prompt"],
        "temporal": ["LAYER_IN_FILES", "Attention", "ClsTransformer", "Lstm", "Mean", "PreNorm"],
        "texts": ["DESCRIPTORS", "TEMPLATES", "class_texts", "inline_texts"],
        "torch_files": ["is_torchscript", "read_foreign"],
        "two_tower": ["TextTower", "TwoTower", "Weights"],
        "windows": ["WindowClassifier", "mean_probabilities"],
    },
)
