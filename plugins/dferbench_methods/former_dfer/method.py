"""Former-DFER (Zhao and Liu, ACM MM 2021): a transformer inside a ResNet-18, and one over its frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pydantic import Field

from dferbench import Input, Method, Options, Recipe, Stage, hookimpl
from dferbench_methods.former_dfer.card import CARD
from dferbench_methods.layers.options import StartFile

# Paper and code agree on all of it; drop_last and the rule for short videos are the code's.
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
# main_AFEW.py, which starts from the weights of DFEW's first fold and keeps the last batch of an epoch.
AFEW = Recipe(INPUT, (replace(STAGE, train={r".*": 1e-3}, epochs=20, drop_last=False),))
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


class FormerDferOptions(Options):
    """What may be set of Former-DFER."""

    spatial_depth: int = Field(
        3,
        ge=1,
        description="Blocks of the spatial transformer, the paper's N: 3 in its best row, 1 in the code.",
    )
    temporal_depth: int = Field(3, ge=1, description="Blocks of the temporal transformer, the paper's M.")
    width: int = Field(
        64,
        ge=2,
        multiple_of=2,
        description="Channels of the stem; the widths of all other layers are multiples of it.",
    )
    weights: StartFile = Field("", description="File of the released code to start from; '' for none.")


METHOD = Method(
    name="former-dfer",
    build="dferbench_methods.former_dfer.model:FormerDfer",
    recipe=DFEW,
    recipe_for={"afew": AFEW, "synthetic": SYNTHETIC},
    paper=CARD["paper"],
    card=CARD,
    convert="dferbench_methods.former_dfer.convert:convert",
    options_for={"synthetic": {"width": 16}},
    options=FormerDferOptions,
)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register former-dfer."""
    register(METHOD)
