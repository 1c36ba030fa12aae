"""T-ESFL (Liu et al., ACM MM 2022), of video alone: the snippet transformer that the MAFW paper trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dferbench import Input, Method, Recipe, Stage, Task, hookimpl
from dferbench_methods.t_esfl.card import CARD

if TYPE_CHECKING:
    from dferbench.models import Classifier

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
INPUT = Input(frames=35, size=224, sample="snippets", normalize="none", augment="")
MAFW = Recipe(INPUT, (STAGE,))
# Ours: three frames a snippet, a sixteenth of the pixels, a quarter of the width and few epochs, so that it
# ends within minutes on two cores.
SYNTHETIC = Recipe(
    replace(INPUT, frames=21, size=56),
    (replace(STAGE, train={r"(?!positions$).*": 5e-4}, epochs=14, batch=16, schedule="cosine(warmup=1)"),),
)
OPTIONS_FOR = {"synthetic": {"width": 16}, "mafw-compound": {"hidden": 256, "narrow": 256}}


def build(
    task: Task,
    parts: Any,
    scale: float = 1 / 7,
    hidden: int = 128,
    narrow: int = 64,
    width: int = 64,
    weights: str = "",
) -> Classifier:
    """T-ESFL of video alone, for a task whose frames are a multiple of its 7 snippets, of any size.

    `scale` weighs the loss of the snippets' order: one over the snippets. `hidden` and `narrow` are the
    classifier's inner widths, `width` the stem's. `weights` is a ResNet-18 for the trunk, or a checkpoint of
    the snippet transformer's released code. Raises ConfigError or DataError.
    """
    from dferbench_methods.layers.snippet_files import start
    from dferbench_methods.layers.snippets import SnippetTransformer

    model = SnippetTransformer(task, scale, hidden, narrow, width)
    model.notes = start(model, weights, task.classes)
    return model


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register t-esfl with its recipe."""
    register(
        Method(
            "t-esfl",
            build,
            MAFW,
            {"synthetic": SYNTHETIC},
            CARD["paper"],
            CARD,
            options_for=OPTIONS_FOR,
        )
    )
