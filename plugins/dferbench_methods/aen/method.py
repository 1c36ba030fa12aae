"""AEN (Lee et al., CVPR Workshops 2023): a still-image model guides, sentiment comes before emotion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pydantic import Field

from dferbench import Input, Method, Options, Recipe, Stage, hookimpl
from dferbench_methods.aen.card import CARD
from dferbench_methods.layers.options import StartFile, Width

# The released code's, for the videos.
VIDEO = Stage(
    train={r"(?!still\.).*": 0.01},
    epochs=200,
    batch=32,
    optimizer="sgd(momentum=0.9)",
    schedule="every(40)",
    weight_decay=1e-4,
    drop_last=True,
    name="video",
)
# Ours: its authors train the 2D model on photographs, which are not available.
STILL = replace(VIDEO, train={r"still\..*": 0.01}, epochs=20, schedule="every(10)", name="still")
INPUT = Input(
    frames=16,
    size=112,
    sample="segments(duration=2, short=first-frame)",
    normalize="none",
    augment="random-sized-crop | flip | rotate(5) | jitter(brightness=0.1)",
)
DFEW = Recipe(INPUT, (STILL, VIDEO))
# Ours: a narrow net on a third of the pixels, few epochs and crops that keep most of the face, so that it
# ends within minutes on two cores.
QUICK: dict[str, Any] = {"batch": 16, "optimizer": "adam"}
SYNTHETIC = Recipe(
    replace(INPUT, size=64, augment="random-sized-crop(scale=(0.7, 1)) | flip"),
    (
        replace(STILL, train={r"still\..*": 1e-3}, epochs=2, schedule="constant", **QUICK),
        replace(VIDEO, train={r"(?!still\.).*": 5e-4}, epochs=12, schedule="cosine(warmup=1)", **QUICK),
    ),
)


class AenOptions(Options):
    """What may be set of AEN."""

    beta: float = Field(
        0.3, ge=0, le=1, description="Weight of the deepest feature's logits in the prediction."
    )
    clips: float = Field(
        0.4,
        ge=0,
        description="Weight of the loss by which clip features follow the frozen 2D model's frames.",
    )
    outputs: float = Field(
        1.0, ge=0, description="Weight of the loss by which outputs follow the frozen 2D model's scores."
    )
    depth: int = Field(3, ge=1, description="Blocks of each temporal transformer.")
    width: Width = 64
    weights: StartFile = Field(
        "",
        description="File of the released code to start from, such as 2D_pretrain.pth; '' for none. "
        "With stage.still.epochs=0 its 2D model stays as it is.",
    )


METHOD = Method(
    name="aen",
    build="dferbench_methods.aen.model:Aen",
    recipe=DFEW,
    recipe_for={"synthetic": SYNTHETIC},
    paper=CARD["paper"],
    card=CARD,
    convert="dferbench_methods.aen.convert:convert",
    options_for={"synthetic": {"width": 16}},
    options=AenOptions,
)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register aen."""
    register(METHOD)
