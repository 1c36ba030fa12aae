"""The inputs and stages that the methods of this package share.

The DFER-CLIP paper names frames, sizes and datasets, but no optimizer for its baselines: what stands here is
its recipe for its own model (section 4.2 and released code), which is the best guess for the rows next to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from dferbench import Input, Recipe, Stage

SEEN_ONCE = Input(frames=16, size="backbone", sample="segments(random=false)", normalize="none")
"""Ours: nothing drawn at random, so that the features of the frozen tower are remembered."""
AUGMENTED = replace(SEEN_ONCE, sample="segments", augment="random-sized-crop | flip")
SCHEDULE = Stage(
    train={},
    epochs=50,
    batch=48,
    optimizer="sgd(momentum=0.9)",
    schedule="steps(30, 40)",
    weight_decay=1e-4,
    drop_last=True,
)


def frozen(
    learning_rates: Mapping[str, float], drawn: Mapping[str, float], epochs: int
) -> tuple[Recipe, Mapping[str, Recipe]]:
    """Recipes over a frozen tower: one for any dataset, and one for `synthetic` with the learning
    rates `drawn` for so many `epochs`, in small batches, which ends within a minute on a laptop."""
    steps = f"steps({epochs * 6 // 10}, {epochs * 8 // 10})"
    stage = replace(SCHEDULE, train=learning_rates)
    short = replace(stage, train=drawn, epochs=epochs, batch=16, schedule=steps, drop_last=False)
    return Recipe(SEEN_ONCE, (stage,)), {"synthetic": Recipe(SEEN_ONCE, (short,))}
