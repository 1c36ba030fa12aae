"""EST (Liu et al., Pattern Recognition 2023): a transformer over snippets that learns their order as well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pydantic import Field

from dferbench import Input, Method, Options, Recipe, Stage, hookimpl
from dferbench_methods.est.card import CARD
from dferbench_methods.layers.options import StartFile, Width

# The released code's; the sinusoid of the positions stays as it is.
STAGE = Stage(
    train={r"(?!positions$).*": 1e-4},
    epochs=160,
    batch=8,
    optimizer="adam",
    schedule="cosine-times-rise(warmup=10)",
    weight_decay=1e-4,
    drop_last=True,
)
INPUT = Input(frames=35, size=224, sample="snippets", normalize="none", augment="", resize="bicubic")
DFEW = Recipe(INPUT, (STAGE,))
# Ours: three frames per snippet, a sixteenth of the pixels, a quarter of the width and few epochs, so that it
# ends within minutes on two cores.
SYNTHETIC = Recipe(
    replace(INPUT, frames=21, size=56, resize="bilinear"),
    (replace(STAGE, train={r"(?!positions$).*": 5e-4}, epochs=14, batch=16, schedule="cosine(warmup=1)"),),
)
SMALL = {"width": 16}


class EstOptions(Options):
    """What may be set of EST."""

    scale: float = Field(0.1428, ge=0, description="Weight of the loss on the order of the snippets.")
    width: Width = 64
    weights: StartFile = Field(
        "",
        description="Checkpoint of EST's released code, or a ResNet-18 for the trunk; '' for none.",
    )


METHOD = Method(
    name="est",
    build="dferbench_methods.est.model:build",
    recipe=DFEW,
    recipe_for={"synthetic": SYNTHETIC},
    paper=CARD["paper"],
    card=CARD,
    convert="dferbench_methods.est.convert:convert",
    options_for={"synthetic": SMALL},
    options=EstOptions,
)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register est."""
    register(METHOD)
