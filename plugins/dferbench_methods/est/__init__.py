"""EST (Liu et al., Pattern Recognition 2023): a transformer over snippets that learns their order beside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dferbench import Converted, Input, Method, Recipe, Stage, Task, hookimpl
from dferbench_methods.est.card import CARD

if TYPE_CHECKING:
    from dferbench.models import Classifier

# The released code's; the sinusoid of the positions stays as it is.
STAGE = Stage(
    train={r"(?!positions$).*": 1e-4},
    epochs=160,
    batch=8,
    optimizer="adam",
    schedule="cosine-under-rise(warmup=10)",
    weight_decay=1e-4,
    drop_last=True,
)
INPUT = Input(frames=35, size=224, sample="snippets", normalize="none", augment="")
DFEW = Recipe(INPUT, (STAGE,))
# Ours: three frames a snippet, a sixteenth of the pixels, a quarter of the width and few epochs, so that it
# ends within minutes on two cores.
SYNTHETIC = Recipe(
    replace(INPUT, frames=21, size=56),
    (replace(STAGE, train={r"(?!positions$).*": 5e-4}, epochs=14, batch=16, schedule="cosine(warmup=1)"),),
)
SMALL = {"width": 16}


def build(task: Task, parts: Any, scale: float = 0.1428, width: int = 64, weights: str = "") -> Classifier:
    """EST for a task whose frames are a multiple of its 7 snippets, of any size.

    `scale` weighs the loss of the snippets' order. `width` is the stem's. `weights` is a checkpoint of the
    released code, or a ResNet-18 for the trunk. Raises ConfigError or DataError.
    """
    from dferbench_methods.layers.snippet_files import start
    from dferbench_methods.layers.snippets import SnippetTransformer

    model = SnippetTransformer(task, scale, width=width)
    model.notes = start(model, weights, task.classes)
    return model


def from_official(state: dict[str, Any], given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """A checkpoint of the released code in our terms; see `dferbench_methods.est.convert`."""
    from dferbench_methods.est.convert import convert

    return convert(state, given, classes)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register est with its recipe."""
    register(
        Method(
            "est",
            build,
            DFEW,
            {"synthetic": SYNTHETIC},
            CARD["paper"],
            CARD,
            from_official,
            options_for={"synthetic": SMALL},
        )
    )
