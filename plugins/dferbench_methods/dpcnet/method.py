"""DPCNet (Wang et al., ACM MM 2022): two views of four frames each, excited twice and made to agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from pydantic import Field

from dferbench import Input, Method, Options, Recipe, Stage, hookimpl
from dferbench_methods.dpcnet.card import CARD
from dferbench_methods.layers.options import StartFile, Width

# Ours: no source says how it is trained.
STAGE = Stage(
    train={r".*": 0.01},
    epochs=100,
    batch=32,
    optimizer="sgd(momentum=0.9)",
    schedule="steps(60, 80)",
    weight_decay=1e-4,
    drop_last=True,
)
INPUT = Input(
    frames=8, size=112, sample="groups(each=2)", normalize="none", augment="random-sized-crop | flip"
)
DFEW = Recipe(INPUT, (STAGE,))
# Ours: a quarter of the pixels and of the width, few epochs and crops that keep most of the face, so that it
# ends within minutes on two cores.
SYNTHETIC = Recipe(
    replace(INPUT, size=56, augment="random-sized-crop(scale=(0.7, 1)) | flip"),
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
SMALL = {"width": 16, "hidden": 256}


class DpcNetOptions(Options):
    """What may be set of DPCNet: the sources leave the first seven open."""

    frame_gate: Literal["sigmoid", "softmax"] = Field(
        "sigmoid", description="How scores become the weights of a view's frames."
    )
    layers: int = Field(1, ge=1, description="Layers of the LSTM.")
    hidden: int = Field(
        1024, ge=0, description="Units of the classifier's hidden layer; 0 for no such layer."
    )
    agree: Literal["cosine", "mse"] = Field(
        "cosine", description="Distance between the frame features of the two views."
    )
    mf: float = Field(1.0, ge=0, description="Weight of the loss on the distance of the views' features.")
    dp: float = Field(
        1.0, ge=0, description="Weight of the Jensen-Shannon divergence of the views' predictions."
    )
    fusion: Literal["probabilities", "logits"] = Field(
        "probabilities", description="What is averaged over the two views for the prediction."
    )
    width: Width = 64
    weights: StartFile = Field(
        "", description="File of a ResNet-50 with torchvision's names to start the trunk from; '' for none."
    )


METHOD = Method(
    name="dpcnet",
    build="dferbench_methods.dpcnet.model:DpcNet",
    recipe=DFEW,
    recipe_for={"synthetic": SYNTHETIC},
    paper=CARD["paper"],
    card=CARD,
    options_for={"synthetic": SMALL},
    options=DpcNetOptions,
)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register dpcnet."""
    register(METHOD)
