"""EmoCLIP (Foteinopoulou and Patras, FG 2024): a transformer over CLIP features, taught to meet texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from pydantic import Field

from dferbench import Input, Method, Options, Recipe, Stage, hookimpl
from dferbench_methods.emoclip.card import CARD
from dferbench_methods.layers.options import Backbone, TextSource

# All of it is the code's, for its supervised form on DFEW and FERV39k; the batch is that of one of its two
# processes, for the loss contrasts the videos of one process.
STAGE = Stage(
    train={r"temporal\..*|logit_scale": 1e-3},
    epochs=50,
    batch=128,
    optimizer="sgd(momentum=0.9)",
    schedule="steps(25, 50)",
    weight_decay=5e-4,
    drop_last=True,
)
INPUT = Input(
    frames=32,
    size="backbone",
    sample="every(4)",
    normalize="clip",
    augment="rotate(6) | flip",
    resize="bicubic",
)
RECIPE = Recipe(INPUT, (STAGE,))
# Its script for AFEW has 64 videos per process, where the others have 128.
AFEW = Recipe(INPUT, (replace(STAGE, batch=64),))
# Ours: few frames of which none is drawn, so that the tower encodes each video once, and a higher
# learning rate for a small model.
SYNTHETIC = Recipe(
    replace(
        INPUT, frames=16, sample="every(2, random=false)", normalize="none", augment="", resize="bilinear"
    ),
    (replace(STAGE, train={r"temporal\..*|logit_scale": 5e-3}, epochs=20, batch=16, schedule="steps(15)"),),
)


class EmoClipOptions(Options):
    """What may be set of EmoCLIP."""

    backbone: Backbone = "clip-vit-b32"
    layers: int = Field(2, ge=1, description="Blocks of the temporal transformer.")
    head_dim: int = Field(2048, ge=1, description="Width of each of its eight heads.")
    text: TextSource = "descriptors"
    learn_from: Literal["classes", "captions"] = Field(
        "classes",
        description="Text that a video learns to match: its class's, or a caption of its own, which the "
        "dataset must have.",
    )
    multi_positive: bool = Field(
        False, description="Whether videos of one class in a batch are positives of each other's texts too."
    )


METHOD = Method(
    name="emoclip",
    build="dferbench_methods.emoclip.model:build",
    recipe=RECIPE,
    recipe_for={"afew": AFEW, "synthetic": SYNTHETIC},
    paper=CARD["paper"],
    card=CARD,
    convert="dferbench_methods.emoclip.convert:convert",
    options_for={"synthetic": {"head_dim": 64}},
    options=EmoClipOptions,
)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register emoclip."""
    register(METHOD)
