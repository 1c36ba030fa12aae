"""M3DFEL (Wang et al., CVPR 2023): a video as a bag of short clips, of which only some show the emotion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pydantic import Field

from dferbench import Input, Method, Options, Recipe, Stage, hookimpl
from dferbench_methods.layers.options import Smoothing, StartFile, Width
from dferbench_methods.m3dfel.card import CARD

# All of it is the code's, which has one recipe for all datasets.
STAGE = Stage(
    train={r".*": 5e-4},
    epochs=300,
    batch=256,
    optimizer="adamw",
    schedule="cosine-under-rise(warmup=20, floor=5e-6, by=step, lag=1)",
    weight_decay=0.05,
    drop_last=True,
)
INPUT = Input(
    frames=16,
    size=112,
    sample="grid(jitter=15)",
    normalize="none",
    augment="random-sized-crop | flip | color-jitter(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.4)",
)
RECIPE = Recipe(INPUT, (STAGE,))
# Ours: small frames, few epochs and crops that keep most of the face, so that it ends within minutes on two
# cores, with a net a quarter as wide.
SYNTHETIC = Recipe(
    replace(INPUT, size=56, augment="random-sized-crop(scale=(0.7, 1)) | flip"),
    (replace(STAGE, train={r".*": 1e-3}, epochs=14, batch=16, schedule="cosine(warmup=1)"),),
)


class M3dfelOptions(Options):
    """What may be set of M3DFEL."""

    instance: int = Field(4, ge=1, description="Frames of each clip in the bag; divides input.frames.")
    smoothing: Smoothing = 0.1
    width: Width = 64
    weights: StartFile = Field(
        "",
        description="File to start from: torchvision's r3d_18, for the trunk alone, or a checkpoint of the "
        "released code; '' for none.",
    )


METHOD = Method(
    name="m3dfel",
    build="dferbench_methods.m3dfel.model:M3dfel",
    recipe=RECIPE,
    recipe_for={"synthetic": SYNTHETIC},
    paper=CARD["paper"],
    card=CARD,
    convert="dferbench_methods.m3dfel.convert:convert",
    options_for={"synthetic": {"width": 16}},
    options=M3dfelOptions,
)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register m3dfel."""
    register(METHOD)
