"""The recipes of both methods: the released code's fine-tuning, with layer-wise learning rate decay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from dferbench import Input, Recipe, Stage

DECAY = 0.75
RATE = 1e-3 / 256
"""The rate for each video of a batch."""
AUGMENT = (
    "resize | timm-rand-augment(rand-m7-n4-mstd0.5-inc1) | random-resized-crop(ratio=(0.75, 1.3333)) | flip"
)
"""The released loader's: RandAugment by one draw for a clip, on frames of the final size, then the crop.
Erasing is an option of the methods: it follows the normalisation."""
OPTIMIZER = "adamw(undecayed='.*bias|.*norm.*|encoder.region_tokens')"


def layered(rate: float, depth: int, decay: float = DECAY) -> dict[str, float]:
    """Rates by pattern: the full one for the classifier and the region tokens, and one times `decay` for each
    layer below, the last block first, the patches last. Blocks that a net lacks are no error."""
    rates = {r"(head|fc_norm)\..*|encoder\.region_tokens": rate}
    for below in range(1, depth + 1):
        rates[rf"(encoder\.blocks\.{depth - below}\..*)?"] = rate * decay**below
    rates[r"patch\..*"] = rate * decay ** (depth + 1)
    return {pattern: float(f"{one:.6g}") for pattern, one in rates.items()}


def recipe(depth: int, batch: int, rate: int) -> Recipe:
    """The fine-tuning of an encoder of so many blocks, on windows in steps of `rate` frames."""
    input = Input(
        frames=16,
        size=160,
        sample=f"window(rate={rate}, clips=2)",
        normalize="imagenet",
        augment=AUGMENT,
    )
    stage = Stage(
        train=layered(RATE * batch, depth),
        epochs=100,
        batch=batch,
        optimizer=OPTIMIZER,
        schedule="cosine(warmup=5, floor_ratio=0.001, by=step)",
        weight_decay=0.05,
        drop_last=True,
    )
    return Recipe(input, (stage,))


SMALL: Mapping[str, float | int] = {
    "width": 64, "depth": 4, "drop_path": 0.0, "mixup": 0.0, "cutmix": 0.0, "erase": 0.0
}  # fmt: skip
"""Ours, for `synthetic` and dferbench check: a small net on videos that are not mixed or erased."""


def synthetic() -> Recipe:
    """Ours: small frames and few epochs from scratch, all layers at one rate. It ends within minutes and
    shows that everything works, but stays near chance: hundreds of videos do not teach a transformer from
    scratch."""
    whole = recipe(depth=4, batch=16, rate=2)
    input = replace(whole.input, size=64, augment="flip")
    rates, stage = layered(3e-4, 4, decay=1), whole.stages[0]
    short = replace(stage, train=rates, epochs=6, schedule="cosine(warmup=1)", drop_last=False)
    return Recipe(input, (short,))


def of(depth: int) -> tuple[Recipe, dict[str, Recipe]]:
    """The recipe of DFEW and MAFW, which stands for any dataset, and those of FERV39k and `synthetic`."""
    return recipe(depth, 96, 4), {"ferv39k": recipe(depth, 120, 1), "synthetic": synthetic()}
