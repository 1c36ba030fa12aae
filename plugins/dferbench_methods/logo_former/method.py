"""LOGO-Former (Ma, Sun and Li, ICASSP 2023), reconstructed: attention in windows and to their summaries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from pydantic import Field

from dferbench import Input, Method, Options, Recipe, Stage, hookimpl
from dferbench_methods.layers.options import StartFile, Width
from dferbench_methods.logo_former.card import CARD

# A port of unknown authorship has these; they are Former-DFER's.
STAGE = Stage(
    train={r".*": 0.01},
    epochs=100,
    batch=32,
    optimizer="sgd(momentum=0.9)",
    schedule="every(40)",
    weight_decay=1e-4,
    drop_last=True,
)
INPUT = Input(
    frames=16,
    size=112,
    sample="segments(duration=2, short=first-frame)",
    normalize="none",
    augment="random-sized-crop | flip",
)
DFEW = Recipe(INPUT, (STAGE,))
# Ours: a small net on a third of the pixels, few epochs and crops that keep most of the face, so that it ends
# within minutes on two cores.
SYNTHETIC = Recipe(
    replace(INPUT, size=64, augment="random-sized-crop(scale=(0.7, 1)) | flip"),
    (
        replace(
            STAGE,
            train={r".*": 5e-4},
            epochs=14,
            batch=16,
            optimizer="adam",
            schedule="cosine(warmup=1)",
        ),
    ),
)
SMALL = {"dim": 128, "depth": 2, "width": 16}


class LogoFormerOptions(Options):
    """What may be set of LOGO-Former, of which no code was released."""

    dim: int = Field(512, ge=1, description="Width of the tokens, a multiple of the heads.")
    depth: int = Field(4, ge=1, description="Blocks of local and global attention.")
    heads: int = Field(8, ge=1, description="Number of attention heads in each block.")
    mlp_ratio: int = Field(4, ge=1, description="Width of a block's MLP in multiples of dim.")
    window_frames: int = Field(
        4, ge=1, description="Frames of a window of local attention; divides the frames."
    )
    window_side: int = Field(
        0, ge=0, description="Side of a window in places of the map, which it divides; 0 for the whole map."
    )
    summary_frames: int = Field(
        4, ge=1, description="Frames that one summary token of global attention stands for."
    )
    summary_side: int = Field(
        0, ge=0, description="Side in places of what one summary token stands for; 0 for the whole map."
    )
    dropout: float = Field(0.2, ge=0, lt=1, description="Dropout rate in attention and MLP.")
    drop_path: float = Field(
        0.11, ge=0, lt=1, description="Stochastic depth: how often training leaves the last block out."
    )
    pool: Literal["mean", "token0"] = Field(
        "mean", description="What the classifier reads: the mean of all tokens or the first one."
    )
    objective: Literal["ce", "asl"] = Field("ce", description="Cross-entropy or asymmetric loss.")
    compact: float = Field(0.1, ge=0, description="Weight of the compact loss; 0 for none.")
    width: Width = 64
    weights: StartFile = Field(
        "", description="File of a ResNet-18 with torchvision's names to start the trunk from; '' for none."
    )


METHOD = Method(
    name="logo-former",
    build="dferbench_methods.logo_former.model:LogoFormer",
    recipe=DFEW,
    recipe_for={"synthetic": SYNTHETIC},
    paper=CARD["paper"],
    card=CARD,
    options_for={"synthetic": SMALL},
    options=LogoFormerOptions,
)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register logo-former."""
    register(METHOD)
