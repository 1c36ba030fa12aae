"""A training step of dfer-clip against the authors' way, in one process on one thread, interleaved.

    python benchmarks/speed/step.py [--rounds 4]

ViT-B/32 with random weights on one video of 16 frames of 224 x 224. The authors' way is the network and the
step of their released code, restated in tests/official_dfer_clip.py (which other tests hold against ours),
with torch's defaults, in float32: they have no other. Ours is what a run does, in float32 and in bf16. CPU
seconds, the least of so many rounds; trust the ratios within one run, on a machine that is idle.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from dferbench.experiment.plan import Request, settle
from dferbench.machine.device import make_fabric
from dferbench.machine.numerics import USUAL, compute_by
from dferbench.models import Batch
from dferbench.models.build import make_model
from dferbench.models.parts import Parts
from dferbench.registry.catalog import discover
from dferbench.training.optimizers import make_optimizer
from dferbench.training.trainer import train_step
from dferbench.types import Task

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
REQUIRED = {"fp32": 1.12, "bf16": 2.0}
"""How many times cheaper than the authors' a step must be; bf16 on a CPU that has units for it."""
BACKBONE, FRAMES, SIZE = "clip-vit-b32", 16, 224


def ours(pixels: torch.Tensor, label: torch.Tensor, precision: str) -> Callable[[], object]:
    """A step as a run makes it."""
    catalog, fabric = discover(), make_fabric("cpu", precision)
    weights = {BACKBONE: "random"}
    sets = {"backbone": BACKBONE, "stage.batch": "1"}
    settled = settle(Request("dfer-clip", "synthetic", sets=sets, weights=weights), catalog)
    task = Task("synthetic", tuple(settled.chosen.dataset.classes), FRAMES, SIZE)
    model = make_model(settled.method, task, settled.options, Parts(catalog, weights), seed=0)
    stage = settled.recipe.stages[0]
    optimizer: Any = fabric.setup_optimizers(make_optimizer(model, stage, catalog))
    batch = Batch(pixels, label, [{}], stage.name, 0.0)

    def step() -> object:
        compute_by(USUAL)
        return train_step(model.train(), batch, optimizer, stage, fabric)

    return step


def authors(pixels: torch.Tensor, label: torch.Tensor) -> Callable[[], object]:
    """A step of the released code, as it starts on a machine of torch's defaults."""
    import official_dfer_clip

    model: Any = official_dfer_clip.Model(official_dfer_clip.PHRASES[:7], sizes=official_dfer_clip.REAL)
    optimizer = model.optimizer()

    def step() -> object:
        torch.set_deterministic_debug_mode("default")
        return model.step(optimizer, pixels, label)

    return step


def main() -> None:
    """Measure all three in turns and print a line for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=4)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    pixels, label = torch.rand(1, FRAMES, 3, SIZE, SIZE), torch.tensor([2])
    steps = {"authors": authors(pixels, label), **{p: ours(pixels, label, p) for p in REQUIRED}}
    seconds: dict[str, list[float]] = {what: [] for what in steps}
    for _ in range(rounds):
        for what, step in steps.items():
            started = time.process_time()
            step()
            seconds[what].append(time.process_time() - started)
    for what, found in seconds.items():
        ratio = min(seconds["authors"]) / min(found)
        asked = f" (required: {REQUIRED[what]:g})" if what in REQUIRED else ""
        print(f"{what:10}{min(found):8.3f} s CPU{ratio:8.2f} times cheaper than the authors'{asked}")


if __name__ == "__main__":
    main()
