"""LOGO-Former (Ma, Sun and Li, ICASSP 2023), reconstructed: attention in windows and to their summaries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dferbench import Input, Method, Recipe, Stage, Task, hookimpl
from dferbench_methods.logo_former.card import CARD

if TYPE_CHECKING:
    from dferbench.models import Classifier

# A port of unknown authorship has these; they are Former-DFER's.
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
# Ours: a small net on a third of the pixels, few epochs and crops that keep most of the face, so that it ends
# within minutes on two cores.
SYNTHETIC = Recipe(
    replace(INPUT, size=64, augment="random-sized-crop(scale=(0.7, 1)) | flip"),
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
SMALL = {"dim": 128, "depth": 2, "width": 16}


def build(  # noqa: PLR0913 - the signature is the list of options
    task: Task,
    parts: Any,
    dim: int = 512,
    depth: int = 4,
    heads: int = 8,
    mlp_ratio: int = 4,
    window_frames: int = 4,
    window_side: int = 0,
    summary_frames: int = 4,
    summary_side: int = 0,
    dropout: float = 0.2,
    drop_path: float = 0.11,
    pool: str = "mean",
    objective: str = "ce",
    compact: float = 0.1,
    width: int = 64,
    weights: str = "",
) -> Classifier:
    """LOGO-Former as far as it is known, for a task of any size whose frames and map the windows tile.

    Local attention looks within windows of `window_frames` frames and `window_side` places in each direction,
    0 being the whole map; global attention at one summary of each such cell of `summary_*`. `dropout` acts
    on attention and MLP, `drop_path` is how often the last block is left out in training. `pool` is "mean" or
    "token0", `objective` "ce" or "asl", `compact` the weight of the compact loss, 0 for none. `width` is the
    stem's; `weights` is a file of a ResNet-18 to start from, named as torchvision's. Raises ConfigError,
    UnknownName or DataError.
    """
    from dferbench_methods.logo_former.blocks import Plan
    from dferbench_methods.logo_former.model import LogoFormer

    window, summary = (window_frames, window_side), (summary_frames, summary_side)
    plan = Plan(dim, heads, mlp_ratio, dropout, window, summary)
    return LogoFormer(task, plan, depth, drop_path, pool, (objective, compact), (width, weights))


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register logo-former with its recipe."""
    register(
        Method(
            "logo-former",
            build,
            DFEW,
            {"synthetic": SYNTHETIC},
            CARD["paper"],
            CARD,
            options_for={"synthetic": SMALL},
        )
    )
