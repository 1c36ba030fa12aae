"""DPCNet (Wang et al., ACM MM 2022): two views of four frames each, excited twice and made to agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dferbench import Input, Method, Recipe, Stage, Task, hookimpl
from dferbench_methods.dpcnet.card import CARD

if TYPE_CHECKING:
    from dferbench.models import Classifier

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


def build(  # noqa: PLR0913 - the signature is the list of options
    task: Task,
    parts: Any,
    frame_gate: str = "sigmoid",
    layers: int = 1,
    hidden: int = 1024,
    agree: str = "cosine",
    mf: float = 1.0,
    dp: float = 1.0,
    fusion: str = "probabilities",
    width: int = 64,
    weights: str = "",
) -> Classifier:
    """DPCNet for a task with an even number of frames, half of them each input's.

    `frame_gate` weighs the frames of an input, "sigmoid" or "softmax"; the LSTM has `layers` layers, the
    classifier one hidden layer of `hidden`, 0 for none. `agree` is how far apart the views' frames are,
    "cosine" or "mse"; `mf` and `dp` scale the two terms that make the views agree. `fusion` averages the
    views' "probabilities" or "logits". `width` is the stem's; `weights` is a file with a ResNet-50 to start
    the trunk from, named as torchvision's. Raises ConfigError, UnknownName or DataError.
    """
    from dferbench_methods.dpcnet.model import Choices, DpcNet

    return DpcNet(task, Choices(frame_gate, layers, hidden, agree, mf, dp, fusion), width, weights)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register dpcnet with its recipe."""
    register(
        Method(
            "dpcnet",
            build,
            DFEW,
            {"synthetic": SYNTHETIC},
            CARD["paper"],
            CARD,
            options_for={"synthetic": SMALL},
        )
    )
