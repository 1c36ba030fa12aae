"""NR-DFERNet (Li et al., 2022): what changes between frames beside what they show, and a veto on neutral."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dferbench import Input, Method, Recipe, Stage, Task, hookimpl
from dferbench_methods.nr_dfernet.card import CARD

if TYPE_CHECKING:
    from dferbench.models import Classifier

# All of it from the released code, but for its 1000 epochs: after 100 the rate is a 16,000th of the first.
STAGE = Stage(
    train={r".*": 1e-3},
    epochs=100,
    batch=32,
    optimizer="sgd(momentum=0.9)",
    schedule="every(7, gamma=0.5)",
    weight_decay=0.1,
    drop_last=True,
)
INPUT = Input(
    frames=16,
    size=112,
    sample="segments(duration=2, short=first-frame)",
    normalize="none",
    augment="random-sized-crop | flip | jitter(brightness=0.6) | rotate(4)",
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
            weight_decay=1e-4,
        ),
    ),
)


def build(
    task: Task,
    parts: Any,
    neutral: str = "neutral",
    low: float = 0.03,
    high: float = 0.75,
    width: int = 64,
    weights: str = "",
) -> Classifier:
    """NR-DFERNet for a task of at least 4 frames, of any size.

    `neutral` is the class that the snippet filter may rule out, by this or another word for it, "" for no
    filter; it does so where a snippet
    gives that class a probability of at most `low`, and some class one above `high`. `width` is the stem's.
    `weights` is a file of the released code to start from. Raises ConfigError or DataError.
    """
    from dferbench_methods.nr_dfernet.model import NrDferNet
    from dferbench_methods.nr_dfernet.snippets import SnippetFilter

    return NrDferNet(task, SnippetFilter.named(neutral, task.classes, low, high), width, weights)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register nr-dfernet with its recipe."""
    register(
        Method(
            "nr-dfernet", build, DFEW, {"synthetic": SYNTHETIC}, CARD["paper"], CARD,
            options_for={"synthetic": {"width": 16}},
        )
    )  # fmt: skip
