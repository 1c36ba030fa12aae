"""GCA+IAL (Li et al., AAAI 2023): attention over whole maps, and a loss for weak expressions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pydantic import Field

from dferbench import Input, Method, Options, Recipe, Stage, hookimpl
from dferbench_methods.ial.card import CARD
from dferbench_methods.layers.options import StartFile, Width

# The released code's; its number of epochs, 1000, only means that it is stopped by hand.
STAGE = Stage(
    train={r".*": 1e-3},
    epochs=100,
    batch=40,
    optimizer="sgd(momentum=0.9)",
    schedule="every(7, gamma=0.5)",
    weight_decay=0.1,
    drop_last=True,
)
INPUT = Input(
    frames=16,
    size=112,
    sample="segments(short=first-frame)",
    normalize="none",
    augment="random-sized-crop(scale=(0.85, 1), ratio=(0.6, 1.6667)) | flip | jitter(brightness=0.6) "
    "| rotate(4)",
)
DFEW = Recipe(INPUT, (STAGE,))
# Ours: a narrow net on a quarter of the pixels, so that it ends within minutes on two cores.
SYNTHETIC = Recipe(
    replace(INPUT, size=56, augment="random-sized-crop(scale=(0.85, 1)) | flip"),
    (
        replace(
            STAGE,
            train={r".*": 5e-4},
            epochs=14,
            batch=16,
            optimizer="adam",
            schedule="cosine(warmup=1)",
            weight_decay=1e-4,
        ),
    ),
)


class IalOptions(Options):
    """What may be set of GCA+IAL."""

    scale: float = Field(0.1, ge=0, description="Weight of the intensity-aware loss.")
    aux2: float = Field(
        0.05, ge=0, description="Weight of the cross-entropy of the logits next to stage 2's attention maps."
    )
    aux3: float = Field(0.0, ge=0, description="The same for stage 3.")
    width: Width = 64
    weights: StartFile = Field("", description="File of the released code to start from; '' for none.")


METHOD = Method(
    name="ial",
    build="dferbench_methods.ial.model:Ial",
    recipe=DFEW,
    recipe_for={"synthetic": SYNTHETIC},
    paper=CARD["paper"],
    card=CARD,
    convert="dferbench_methods.ial.convert:convert",
    options_for={"synthetic": {"width": 16}},
    options=IalOptions,
)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register ial."""
    register(METHOD)
