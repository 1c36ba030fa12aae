"""EC-STFL (Jiang et al., ACM MM 2020): a loss that draws the features of one expression together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from pydantic import Field

from dferbench import Input, Method, Options, Recipe, Stage, hookimpl
from dferbench_methods.ec_stfl.card import CARD
from dferbench_methods.layers.options import StartFile, Width

# Frames, size and batch: the paper, whose videos were interpolated to 16 frames. The rest is silent there.
STAGE = Stage(
    train={r".*": 0.01},
    epochs=100,
    batch=24,
    optimizer="sgd(momentum=0.9)",
    schedule="every(40)",
    weight_decay=1e-4,
    drop_last=True,
)
INPUT = Input(frames=16, size=112, sample="uniform(random=false)", normalize="none", augment="flip")
DFEW = Recipe(INPUT, (STAGE,))
# Ours: a quarter of the pixels and of the width, and few epochs, so that it ends within minutes on two cores.
SYNTHETIC = Recipe(
    replace(INPUT, size=56),
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


class EcStflOptions(Options):
    """What may be set of EC-STFL."""

    variant: Literal["hara", "torchvision"] = Field(
        "hara",
        description="Whose 3D ResNet18: Hara's, as in the paper, or torchvision's, as in the code of 2024.",
    )
    shortcut: Literal["b", "a"] = Field(
        "b", description="Shortcut where the shape changes: b is a convolution, a pads with zeros."
    )
    form: Literal["paper", "paper-l1", "code2024"] = Field(
        "paper",
        description="Form of the EC-STFL loss: the paper's, the same with the L1 norm, or the code's.",
    )
    scale: float = Field(10.0, ge=0, description="Weight of the EC-STFL loss relative to the cross-entropy.")
    width: Width = 64
    weights: StartFile = Field(
        "", description="File with the names of either net's code to start from; '' for none."
    )


METHOD = Method(
    name="ec-stfl",
    build="dferbench_methods.ec_stfl.model:EcStfl",
    recipe=DFEW,
    recipe_for={"synthetic": SYNTHETIC},
    paper=CARD["paper"],
    card=CARD,
    convert="dferbench_methods.ec_stfl.convert:convert",
    options_for={"synthetic": {"width": 16}},
    options=EcStflOptions,
)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register ec-stfl."""
    register(METHOD)
