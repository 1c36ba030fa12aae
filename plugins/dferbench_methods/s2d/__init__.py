"""S2D (Chen et al., TAFFC 2024): prompts and adapters fit a frozen image model of faces to videos."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pydantic import Field

from dferbench import Input, Method, Options, Recipe, Stage, hookimpl
from dferbench_methods.layers.options import Cutmix, Dropout, Mixup, Smoothing, StartFile
from dferbench_methods.s2d.card import CARD

# The code's, which starts one process of 8 videos on each of its scripts' two devices, and whose learning
# rate grows with the videos of a step: 1e-5 for 8. The image model and the landmark network are frozen, and
# so is the norm that serves no block: no gradient reaches it.
STAGE = Stage(
    train={r"(?!vit\.|landmark\.|spare\.).*": 2e-5},
    epochs=100,
    batch=16,
    optimizer="adamw(undecayed='.*bias|.*norm.*|.*scale|temporal')",
    schedule="cosine(warmup=2, floor=6.25e-10, by=step)",
    weight_decay=0.05,
    drop_last=True,
)
INPUT = Input(
    frames=16,
    size=224,
    sample="window(rate=1, clips=2)",
    normalize="imagenet",
    augment="resize | timm-rand-augment(rand-m7-n4-mstd0.5-inc1) | random-resized-crop(ratio=(0.75, 1.3333)) "
    "| flip | noise-erasing",
)
RECIPE = Recipe(INPUT, (STAGE,))
# The code takes the 16 frames that DFEW's authors chose from all of each video; ours are all of them, too.
WHOLE = replace(INPUT, sample="segments(random=false)")
DFEW = Recipe(WHOLE, (STAGE,))
PLAIN = {"mixup": 0.0, "cutmix": 0.0, "smoothing": 0.0, "dropout": 0.0}
"""What the released script for FERV39k switches off."""
SMALL = {**PLAIN, "width": 64, "depth": 3, "heads": 4, "patch": 8}
# Ours: a small net, whose image model nobody trained, so that all of it learns; few epochs, nothing blended,
# and crops that keep most of the face.
SYNTHETIC = Recipe(
    replace(WHOLE, size=48, augment="random-sized-crop(scale=(0.7, 1)) | flip"),
    (replace(STAGE, train={r"(?!spare\.).*": 2e-3}, epochs=8, batch=8, schedule="cosine(warmup=1)"),),
)


class S2dOptions(Options):
    """What may be set of S2D."""

    width: int = Field(768, ge=1, description="Width of the image model's tokens, a multiple of its heads.")
    depth: int = Field(12, ge=1, description="Blocks of the image model.")
    heads: int = Field(12, ge=1, description="Number of attention heads in each block of the image model.")
    patch: int = Field(16, ge=1, description="Side of a patch in pixels; divides input.size.")
    hidden: int = Field(8, ge=1, description="Channels of a prompt block.")
    dropout: Dropout = 0.5
    mixup: Mixup = 0.8
    cutmix: Cutmix = 1.0
    smoothing: Smoothing = 0.1
    zero_init: bool = Field(False, description="Whether adapters start at zero, adding nothing.")
    landmark: str = Field(
        "", description="File of the landmark network; '' for zeros in the place of its feature maps."
    )
    weights: StartFile = ""


METHOD = Method(
    name="s2d",
    build="dferbench_methods.s2d.model:build",
    recipe=RECIPE,
    recipe_for={"dfew": DFEW, "synthetic": SYNTHETIC},
    paper=CARD["paper"],
    card=CARD,
    convert="dferbench_methods.s2d.convert:convert",
    options_for={"ferv39k": PLAIN, "synthetic": SMALL},
    options=S2dOptions,
)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register s2d."""
    register(METHOD)
