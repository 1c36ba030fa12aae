"""Former-DFER (Zhao and Liu, ACM MM 2021): a transformer inside a ResNet-18, and one over its frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dferbench import Converted, Input, Method, Recipe, Stage, Task, hookimpl
from dferbench_methods.former_dfer.card import CARD

if TYPE_CHECKING:
    from dferbench.models import Classifier

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


def build(
    task: Task,
    parts: Any,
    spatial_depth: int = 3,
    temporal_depth: int = 3,
    width: int = 64,
    weights: str = "",
) -> Classifier:
    """Former-DFER (section 3) for a task, of any size that leaves the trunk a map.

    `spatial_depth` is the paper's N: 3 in its best row, 1 in the released code; `temporal_depth` its M.
    `width` is the stem's. `weights` is a file of the released code to start from. Raises ConfigError or
    DataError.
    """
    from dferbench_methods.former_dfer.model import FormerDfer

    return FormerDfer(task, spatial_depth, temporal_depth, width, weights)


def from_official(state: dict[str, Any], given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """A checkpoint of the released code in our terms; see `dferbench_methods.former_dfer.convert`."""
    from dferbench_methods.former_dfer.convert import convert

    return convert(state, given, classes)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register former-dfer with its recipe."""
    register(
        Method(
            "former-dfer", build, DFEW, {"synthetic": SYNTHETIC}, CARD["paper"], CARD, from_official,
            options_for={"synthetic": {"width": 16}},
        )
    )  # fmt: skip
