"""AEN (Lee et al., CVPR Workshops 2023): a still-image model guides, sentiment comes before emotion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dferbench import Converted, Input, Method, Recipe, Stage, Task, hookimpl
from dferbench_methods.aen.card import CARD

if TYPE_CHECKING:
    from dferbench.models import Classifier

# The released code's, for the videos.
VIDEO = Stage(
    train={r"(?!still\.).*": 0.01},
    epochs=200,
    batch=32,
    optimizer="sgd(momentum=0.9)",
    schedule="every(40)",
    weight_decay=1e-4,
    drop_last=True,
    name="video",
)
# Ours: its authors train the 2D model on photographs, which are not at hand.
STILL = replace(VIDEO, train={r"still\..*": 0.01}, epochs=20, schedule="every(10)", name="still")
INPUT = Input(
    frames=16,
    size=112,
    sample="segments(duration=2, short=first-frame)",
    normalize="none",
    augment="random-sized-crop | flip | rotate(5) | jitter(brightness=0.1)",
)
DFEW = Recipe(INPUT, (STILL, VIDEO))
# Ours: a narrow net on a third of the pixels, few epochs and crops that keep most of the face, so that it
# ends within minutes on two cores.
QUICK: dict[str, Any] = {"batch": 16, "optimizer": "adam"}
SYNTHETIC = Recipe(
    replace(INPUT, size=64, augment="random-sized-crop(scale=(0.7, 1)) | flip"),
    (
        replace(STILL, train={r"still\..*": 1e-3}, epochs=2, schedule="constant", **QUICK),
        replace(VIDEO, train={r"(?!still\.).*": 5e-4}, epochs=12, schedule="cosine(warmup=1)", **QUICK),
    ),
)


def build(
    task: Task,
    parts: Any,
    beta: float = 0.3,
    clips: float = 0.4,
    outputs: float = 1.0,
    depth: int = 3,
    width: int = 64,
    weights: str = "",
) -> Classifier:
    """AEN for a task of known sentiments, at any size that is a multiple of 16.

    `beta` is the deepest vector's share in the prediction. `clips` and `outputs` weigh the two losses that
    the frozen 2D model guides. `depth` is the transformers', `width` the stem's. `weights` is a file of the
    released code to start from, as its 2D_pretrain.pth: the 2D model too comes from it, and
    stage.still.epochs=0 keeps it as it is. Raises ConfigError or DataError.
    """
    from dferbench_methods.aen.model import Aen

    return Aen(task, beta, (clips, outputs), depth, width, weights)


def from_official(state: dict[str, Any], given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """A checkpoint of the released code in our terms; see `dferbench_methods.aen.convert`."""
    from dferbench_methods.aen.convert import convert

    return convert(state, given, classes)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register aen with its recipe."""
    register(
        Method(
            "aen",
            build,
            DFEW,
            {"synthetic": SYNTHETIC},
            CARD["paper"],
            CARD,
            from_official,
            options_for={"synthetic": {"width": 16}},
        )
    )
