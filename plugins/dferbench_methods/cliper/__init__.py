"""CLIPER (Li et al., ICME 2024) on videos: CLIP with several learned text descriptors for each expression."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dferbench import Input, Method, Recipe, Stage, Task, hookimpl
from dferbench_methods.cliper.card import CARD

if TYPE_CHECKING:
    from dferbench.models import Classifier

# Optimisers, rates, decay and schedules: the code, for still images. Epochs of the second stage, batch and
# everything about frames: ours, as nothing is published for videos.
TEXT = Stage(
    train={r"prompt\..*": 0.01},
    epochs=2,
    batch=16,
    optimizer="adamw(eps=1e-4)",
    name="descriptors",
)
IMAGE = Stage(
    train={r"tower\.image\..*": 5e-6},
    epochs=20,
    batch=16,
    optimizer="adamw(eps=1e-4)",
    schedule="restarts(10)",
    weight_decay=0.1,
    name="images",
)
INPUT = Input(
    frames=16,
    size="backbone",
    sample="segments(duration=2, short=first-frame)",
    normalize="clip",
    augment="jitter(brightness=0.4) | flip | random-sized-crop(scale=(0.15, 1), ratio=(0.3, 3.3))",
)
RECIPE = Recipe(INPUT, (TEXT, IMAGE))
# Ours: few epochs, higher rates for a small tower, and crops that keep most of the face, so that it ends
# within minutes on two cores.
SYNTHETIC = Recipe(
    replace(INPUT, normalize="none", augment="random-sized-crop(scale=(0.7, 1)) | flip"),
    (TEXT, replace(IMAGE, train={r"tower\.image\..*": 1e-4}, epochs=3, schedule="restarts(3)")),
)


def build(  # noqa: PLR0913 - the signature is the list of options
    task: Task,
    parts: Any,
    backbone: str = "clip-vit-b16",
    descriptors: int = 5,
    words: int = 4,
    pool: str = "mean-norm",
    alpha: bool = True,
    count_over: str = "batch",
    temperature: float = 0.01,
) -> Classifier:
    """CLIPER for a task: `descriptors` texts a class, each of `words` learned words.

    `pool` says how frames become a video: "mean-norm", "mean-raw" or "mean-logits"; `alpha` whether rarely
    chosen descriptors weigh more, counted over a "batch" or an "epoch" (`count_over`, refused without
    `alpha`). Raises UnknownName, ConfigError or DataError.
    """
    from dferbench_methods.cliper.model import Cliper
    from dferbench_methods.cliper.prompt import Descriptors

    tower = parts.backbone(backbone)
    prompt = Descriptors(tower, backbone, len(task.classes), descriptors, words)
    return Cliper(tower, prompt, pool, alpha, count_over, temperature)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register cliper with its recipe."""
    register(Method("cliper", build, RECIPE, {"synthetic": SYNTHETIC}, CARD["paper"], CARD))
