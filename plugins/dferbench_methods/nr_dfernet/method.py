"""NR-DFERNet (Li et al., 2022): what changes between frames next to what they show, and a veto on neutral."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pydantic import Field

from dferbench import Input, Method, Options, Recipe, Stage, hookimpl
from dferbench_methods.layers.options import StartFile, Width
from dferbench_methods.nr_dfernet.card import CARD

# All of it from the released code, but for its 1000 epochs: after 100 the learning rate is a 16,000th of the
# first.
STAGE = Stage(
    train={r".*": 1e-3},
    epochs=100,
    batch=32,
    optimizer="sgd(momentum=0.9)",
    schedule="every(7, gamma=0.5)",
    weight_decay=0.1,
    drop_last=True,
)
INPUT = Input(
    frames=16,
    size=112,
    sample="segments(duration=2, short=first-frame)",
    normalize="none",
    # Area and aspect are its own: its file of transforms is Former-DFER's with other numbers.
    augment="random-sized-crop(scale=(0.9, 1), ratio=(0.714286, 1.4)) | flip | jitter(brightness=0.6) | "
    "rotate(4)",
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
            weight_decay=1e-4,
        ),
    ),
)


class NrDferNetOptions(Options):
    """What may be set of NR-DFERNet."""

    neutral: str = Field(
        "neutral",
        description="Class that the snippet filter may rule out, or another word for it; '' for no filter.",
    )
    low: float = Field(
        0.03,
        ge=0,
        le=1,
        description="The filter acts where a snippet gives neutral at most this probability ...",
    )
    high: float = Field(0.75, ge=0, le=1, description="... and some class a probability above this one.")
    width: Width = 64
    weights: StartFile = Field("", description="File of the released code to start from; '' for none.")


METHOD = Method(
    name="nr-dfernet",
    build="dferbench_methods.nr_dfernet.model:NrDferNet",
    recipe=DFEW,
    recipe_for={"synthetic": SYNTHETIC},
    paper=CARD["paper"],
    card=CARD,
    convert="dferbench_methods.nr_dfernet.convert:convert",
    options_for={"synthetic": {"width": 16}},
    options=NrDferNetOptions,
)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register nr-dfernet."""
    register(METHOD)
