"""S2D (Chen et al., TAFFC 2024): prompts and adapters teach a frozen image model of faces to see videos."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dferbench import Converted, Input, Method, Recipe, Stage, Task, hookimpl
from dferbench_methods.s2d.card import CARD

if TYPE_CHECKING:
    from dferbench.models import Classifier

# The code's. The image model and the landmark network are frozen, and so is the
# norm that serves no block: no gradient reaches it.
STAGE = Stage(
    train={r"(?!vit\.|landmark\.|spare\.).*": 1e-5},
    epochs=100,
    batch=8,
    optimizer="adamw(undecayed='.*bias|.*norm.*|.*scale|temporal')",
    schedule="cosine(warmup=2, floor=3.125e-10, by=step)",
    weight_decay=0.05,
    drop_last=True,
)
INPUT = Input(
    frames=16,
    size=224,
    sample="window(rate=1, clips=2)",
    normalize="imagenet",
    augment="resize | timm-rand-augment(rand-m7-n4-mstd0.5-inc1) | random-resized-crop(ratio=(0.75, 1.3333)) "
    "| flip | noise-erasing",
)
RECIPE = Recipe(INPUT, (STAGE,))
# The code takes the 16 frames that DFEW's authors chose from all of each video; ours are all of them, too.
WHOLE = replace(INPUT, sample="segments(random=false)")
DFEW = Recipe(WHOLE, (STAGE,))
PLAIN = {"mixup": 0.0, "cutmix": 0.0, "smoothing": 0.0, "dropout": 0.0}
"""What the released script for FERV39k switches off."""
SMALL = {**PLAIN, "width": 64, "depth": 3, "heads": 4, "patch": 8}
# Ours: a small net, whose image model nobody trained, so that all of it learns; few epochs, nothing blended,
# and crops that keep most of the face.
SYNTHETIC = Recipe(
    replace(WHOLE, size=48, augment="random-sized-crop(scale=(0.7, 1)) | flip"),
    (replace(STAGE, train={r"(?!spare\.).*": 2e-3}, epochs=8, schedule="cosine(warmup=1)"),),
)


def build(  # noqa: PLR0913 - each is an option of the method
    task: Task,
    parts: Any,
    width: int = 768,
    depth: int = 12,
    heads: int = 12,
    patch: int = 16,
    hidden: int = 8,
    dropout: float = 0.5,
    mixup: float = 0.8,
    cutmix: float = 1.0,
    smoothing: float = 0.1,
    zero_init: bool = False,
    landmark: str = "",
    weights: str = "",
) -> Classifier:
    """S2D for a task whose frames are whole `patch`es.

    `width`, `depth` and `heads` are those of the image model, `hidden` the channels of a prompt, `dropout`
    acts before the classifier, `mixup`, `cutmix` and `smoothing` are as in layers/mix.py. With
    `zero_init` the adapters begin by adding nothing. `landmark` is the file of the landmark network, "" for
    zeros in the place of its maps; `weights` a file to start from. Raises ConfigError or DataError.
    """
    from dferbench_methods.layers.mix import Mix
    from dferbench_methods.s2d.model import S2d, Shape

    shape = Shape(width, depth, heads, patch, hidden)
    mix = Mix(len(task.classes), mixup, cutmix, smoothing)
    return S2d(task, shape, mix, dropout, zero_init, landmark, weights)


def from_official(state: dict[str, Any], given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """A checkpoint of the released code in our terms; see `dferbench_methods.s2d.convert`."""
    from dferbench_methods.s2d.convert import convert

    return convert(state, given, classes)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register s2d with its recipes."""
    register(
        Method(
            "s2d", build, RECIPE, {"dfew": DFEW, "synthetic": SYNTHETIC}, CARD["paper"], CARD, from_official,
            options_for={"ferv39k": PLAIN, "synthetic": SMALL},
        )
    )  # fmt: skip
