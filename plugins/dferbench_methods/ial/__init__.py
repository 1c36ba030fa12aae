"""GCA+IAL (Li et al., AAAI 2023): attention over whole maps, and a loss for weak expressions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dferbench import Converted, Input, Method, Recipe, Stage, Task, hookimpl
from dferbench_methods.ial.card import CARD

if TYPE_CHECKING:
    from dferbench.models import Classifier

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


def build(
    task: Task,
    parts: Any,
    scale: float = 0.1,
    aux2: float = 0.05,
    aux3: float = 0.0,
    width: int = 64,
    weights: str = "",
) -> Classifier:
    """GCA+IAL for a task, of any size that leaves the trunk a map, from two frames on.

    `scale` weighs the intensity-aware loss, `aux2` and `aux3` the cross-entropy of the logits that the
    attention blocks of stages 2 and 3 give beside their maps. `width` is the stem's. `weights` is a file of
    the released code to start from. Raises ConfigError or DataError.
    """
    from dferbench_methods.ial.model import Ial

    return Ial(task, scale, (aux2, aux3), width, weights)


def from_official(state: dict[str, Any], given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """A checkpoint of the released code in our terms; see `dferbench_methods.ial.convert`."""
    from dferbench_methods.ial.convert import convert

    return convert(state, given, classes)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register ial with its recipe."""
    register(
        Method(
            "ial",
            build,
            DFEW,
            {"synthetic": SYNTHETIC},
            CARD["paper"],
            CARD,
            from_official,
            options_for={"synthetic": {"width": 16}},
        )
    )
