"""DFER-CLIP (Zhao and Patras, BMVC 2023): CLIP's frame features, a temporal transformer, and learned context
before descriptions of what each expression looks like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pydantic import Field

from dferbench import Input, Method, Options, Recipe, Stage, hookimpl
from dferbench_methods.dfer_clip.card import CARD
from dferbench_methods.layers.options import (
    Backbone,
    Position,
    PromptName,
    Shared,
    Temperature,
    Temporal,
    TextSource,
    Words,
)

# Rates, batch and milestones: section 4.2. Momentum, weight decay and drop_last: the released code.
# A method may be run without a temporal head or learned words, so these two patterns may match nothing.
STAGE = Stage(
    train={r"(temporal\..*)?": 1e-2, r"tower\.image\..*": 1e-5, r"(prompt\..*)?": 1e-3},
    epochs=50,
    batch=48,
    optimizer="sgd(momentum=0.9)",
    schedule="steps(30, 40)",
    weight_decay=1e-4,
    drop_last=True,
)
# The paper is silent on normalisation; its code feeds pixels in 0..1, without CLIP's mean and deviation.
INPUT = Input(
    frames=16, size="backbone", sample="segments", normalize="none", augment="random-sized-crop | flip"
)
MAFW = Recipe(INPUT, (STAGE,))
DFEW = replace(MAFW, input=replace(INPUT, augment="jitter(brightness=0.5) | random-sized-crop | flip"))
FERV39K = replace(MAFW, input=replace(INPUT, augment="rotate(4) | random-sized-crop | flip"))
# Ours: the paper's rates, but few epochs and small batches, so that it ends on a laptop within minutes, and
# crops that keep most of the face.
SYNTHETIC = Recipe(
    replace(INPUT, augment="random-sized-crop(scale=(0.7, 1)) | flip"),
    (replace(STAGE, epochs=3, batch=16, schedule="steps(2)"),),
)


class DferClipOptions(Options):
    """What may be set of DFER-CLIP (section 3.2)."""

    backbone: Backbone = "clip-vit-b32"
    temporal: Temporal = "cls-transformer"
    prompt: PromptName = "context"
    words: Words = 8
    shared: Shared = False
    position: Position = "end"
    text: TextSource = "descriptors"
    temperature: Temperature = Field(
        default=0.01,
        description="Constant that cosine similarities are divided by before the softmax: that of section "
        "4.2 and of the code, though eq. 5 speaks of one that CLIP learned.",
    )


METHOD = Method(
    name="dfer-clip",
    build="dferbench_methods.dfer_clip.model:build",
    recipe=MAFW,
    recipe_for={"dfew": DFEW, "ferv39k": FERV39K, "mafw": MAFW, "synthetic": SYNTHETIC},
    paper="arXiv:2308.13382",
    card=CARD,
    convert="dferbench_methods.dfer_clip.convert:convert",
    options=DferClipOptions,
)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register dfer-clip."""
    register(METHOD)
