"""M3DFEL (Wang et al., CVPR 2023): a video as a bag of short clips, of which only some show the emotion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dferbench import Converted, Input, Method, Recipe, Stage, Task, hookimpl
from dferbench_methods.m3dfel.card import CARD

if TYPE_CHECKING:
    from dferbench.models import Classifier

# All of it is the code's, which has one recipe for all datasets.
STAGE = Stage(
    train={r".*": 5e-4},
    epochs=300,
    batch=256,
    optimizer="adamw",
    schedule="cosine-under-rise(warmup=20, floor=5e-6, by=step, lag=1)",
    weight_decay=0.05,
    drop_last=True,
)
INPUT = Input(
    frames=16,
    size=112,
    sample="grid(jitter=15)",
    normalize="none",
    augment="random-sized-crop | flip | color-jitter(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.4)",
)
RECIPE = Recipe(INPUT, (STAGE,))
# Ours: small frames, few epochs and crops that keep most of the face, so that it ends within minutes on two
# cores, with a net a quarter as wide.
SYNTHETIC = Recipe(
    replace(INPUT, size=56, augment="random-sized-crop(scale=(0.7, 1)) | flip"),
    (replace(STAGE, train={r".*": 1e-3}, epochs=14, batch=16, schedule="cosine(warmup=1)"),),
)


def build(
    task: Task,
    parts: Any,
    instance: int = 4,
    smoothing: float = 0.1,
    width: int = 64,
    weights: str = "",
) -> Classifier:
    """M3DFEL for a task whose frames `instance`, the frames of each clip in the bag, divides.

    `smoothing` is that of the labels, `width` the stem's. `weights` is a file to start from: torchvision's
    r3d_18, for the trunk alone, or a checkpoint of the released code. Raises ConfigError or DataError.
    """
    from dferbench_methods.m3dfel.model import M3dfel

    return M3dfel(task, instance, smoothing, width, weights)


def from_official(state: dict[str, Any], given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """A checkpoint of the released code in our terms; see `dferbench_methods.m3dfel.convert`."""
    from dferbench_methods.m3dfel.convert import convert

    return convert(state, given, classes)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register m3dfel with its recipe."""
    register(
        Method(
            "m3dfel", build, RECIPE, {"synthetic": SYNTHETIC}, CARD["paper"], CARD, from_official,
            options_for={"synthetic": {"width": 16}},
        )
    )  # fmt: skip
