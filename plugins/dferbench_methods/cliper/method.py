"""CLIPER (Li et al., ICME 2024) on videos: CLIP with several learned text descriptors for each expression."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from pydantic import Field

from dferbench import Input, Method, Options, Recipe, Stage, hookimpl
from dferbench_methods.cliper.card import CARD
from dferbench_methods.layers.options import Backbone, Temperature

# Optimizers, rates, decay and schedules: the code, for still images. Epochs of the second stage, batch and
# everything about frames: ours, as nothing is published for videos.
TEXT = Stage(
    train={r"prompt\..*": 0.01},
    epochs=2,
    batch=16,
    optimizer="adamw(eps=1e-4)",
    name="descriptors",
)
IMAGE = Stage(
    train={r"tower\.image\..*": 5e-6},
    epochs=20,
    batch=16,
    optimizer="adamw(eps=1e-4)",
    schedule="restarts(10)",
    weight_decay=0.1,
    name="images",
)
INPUT = Input(
    frames=16,
    size="backbone",
    sample="segments(duration=2, short=first-frame)",
    normalize="clip",
    augment="color-jitter(brightness=0.4, hue=0.3) | flip | "
    "random-resized-crop(scale=(0.15, 1), ratio=(0.3, 3.3))",
    resize="bicubic",
)
RECIPE = Recipe(INPUT, (TEXT, IMAGE))
# Ours: few epochs, higher rates for a small tower, and crops that keep most of the face, so that it ends
# within minutes on two cores.
SYNTHETIC = Recipe(
    replace(INPUT, normalize="none", augment="random-sized-crop(scale=(0.7, 1)) | flip", resize="bilinear"),
    (TEXT, replace(IMAGE, train={r"tower\.image\..*": 1e-4}, epochs=3, schedule="restarts(3)")),
)


class CliperOptions(Options):
    """What may be set of CLIPER."""

    backbone: Backbone = "clip-vit-b16"
    descriptors: int = Field(5, ge=1, description="Learned text descriptors of each class.")
    words: int = Field(4, ge=1, description="Learned words of each descriptor.")
    pool: Literal["mean-norm", "mean-raw", "mean-logits"] = Field(
        "mean-norm",
        description="How frames become a video: the mean of normalized features, normalized again; "
        "the mean of raw features; or the mean of the frames' logits.",
    )
    alpha: bool = Field(
        True, description="Whether descriptors that are rarely chosen weigh more in the loss."
    )
    count_over: Literal["batch", "epoch"] = Field(
        "batch", description="What alpha counts choices over; epoch needs alpha."
    )
    temperature: Temperature = 0.01


METHOD = Method(
    name="cliper",
    build="dferbench_methods.cliper.model:build",
    recipe=RECIPE,
    recipe_for={"synthetic": SYNTHETIC},
    paper=CARD["paper"],
    card=CARD,
    options=CliperOptions,
)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register cliper."""
    register(METHOD)
