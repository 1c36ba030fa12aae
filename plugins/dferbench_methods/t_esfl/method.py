"""T-ESFL (Liu et al., ACM MM 2022), of video alone: the snippet transformer that the MAFW paper trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pydantic import Field

from dferbench import Input, Method, Options, Recipe, Stage, hookimpl
from dferbench_methods.layers.options import StartFile, Width
from dferbench_methods.t_esfl.card import CARD

# Size, batch, rate and its factor 0.2: the paper, which cuts the rate when the loss saturates. The epochs at
# which that happens, their number and Adam are ours.
STAGE = Stage(
    train={r"(?!positions$).*": 1e-4},
    epochs=160,
    batch=8,
    optimizer="adam",
    schedule="steps(80, 120, gamma=0.2)",
    weight_decay=1e-4,
    drop_last=True,
)
INPUT = Input(frames=35, size=224, sample="snippets", normalize="none", augment="", resize="bicubic")
MAFW = Recipe(INPUT, (STAGE,))
# Ours: three frames per snippet, a sixteenth of the pixels, a quarter of the width and few epochs, so that it
# ends within minutes on two cores.
SYNTHETIC = Recipe(
    replace(INPUT, frames=21, size=56, resize="bilinear"),
    (replace(STAGE, train={r"(?!positions$).*": 5e-4}, epochs=14, batch=16, schedule="cosine(warmup=1)"),),
)
OPTIONS_FOR = {"synthetic": {"width": 16}, "mafw-compound": {"hidden": 256, "narrow": 256}}


class TEsflOptions(Options):
    """What may be set of T-ESFL of video alone."""

    scale: float = Field(1 / 7, ge=0, description="Weight of the loss on the order of the snippets.")
    hidden: int = Field(128, ge=1, description="Units of the classifier's first hidden layer.")
    narrow: int = Field(64, ge=1, description="Units of its second hidden layer.")
    width: Width = 64
    weights: StartFile = Field(
        "",
        description="Checkpoint of the snippet transformer's released code, or a ResNet-18 for the trunk; "
        "'' for none.",
    )


METHOD = Method(
    name="t-esfl",
    build="dferbench_methods.t_esfl.model:build",
    recipe=MAFW,
    recipe_for={"synthetic": SYNTHETIC},
    paper=CARD["paper"],
    card=CARD,
    options_for=OPTIONS_FOR,
    options=TEsflOptions,
)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register t-esfl."""
    register(METHOD)
