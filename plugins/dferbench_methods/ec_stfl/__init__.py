"""EC-STFL (Jiang et al., ACM MM 2020): a loss that draws the features of one expression together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dferbench import Converted, Input, Method, Recipe, Stage, Task, hookimpl
from dferbench_methods.ec_stfl.card import CARD

if TYPE_CHECKING:
    from dferbench.models import Classifier

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


def build(
    task: Task,
    parts: Any,
    variant: str = "hara",
    shortcut: str = "b",
    form: str = "paper",
    scale: float = 10.0,
    width: int = 64,
    weights: str = "",
) -> Classifier:
    """A 3D ResNet18 under cross-entropy and `scale` times the EC-STFL loss of that `form`.

    `variant` is the net: "hara", as in the paper's line, or "torchvision", as in the code of 2024. `form` is
    "paper", "paper-l1" or "code2024" (loss.py). `width` is the stem's; `weights` is a file
    to start from, with the names of either net's code. Raises UnknownName, ConfigError or DataError.
    """
    from dferbench_methods.ec_stfl.model import EcStfl

    return EcStfl(task, variant, shortcut, form, scale, width, weights)


def from_official(state: dict[str, Any], given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """A checkpoint of the released code in our terms; see `dferbench_methods.ec_stfl.convert`."""
    from dferbench_methods.ec_stfl.convert import convert

    return convert(state, given, classes)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register ec-stfl with its recipe."""
    register(
        Method(
            "ec-stfl", build, DFEW, {"synthetic": SYNTHETIC}, CARD["paper"], CARD, from_official,
            options_for={"synthetic": {"width": 16}},
        )
    )  # fmt: skip
