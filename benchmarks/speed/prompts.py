"""An epoch of CoOp and of CoCoOp from remembered features, against the way before, interleaved.

    python benchmarks/speed/prompts.py [--precision fp32] [--steps 1] [--rounds 3]

One epoch is so many steps of 48 videos, whose features of 512 numbers a frame are random: they cost the same.
The backbone is ViT-B/32 with random weights, the classes are seven. The way before is restated here:
open_clip's own blocks, which hand torch transposed tensors and a mask, every prompt read from its first
token, and new tensors filled with NaN. CPU seconds on one thread, the least of the rounds; trust the ratios
within one run.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from dferbench.experiment.plan import Request, settle
from dferbench.machine.device import make_fabric
from dferbench.models import Batch
from dferbench.models.build import make_model
from dferbench.models.parts import Parts
from dferbench.registry.catalog import discover
from dferbench.training.optimizers import make_optimizer
from dferbench.training.trainer import train_step
from dferbench.types import Task

REQUIRED = 1.5
"""How many times cheaper than before an epoch must be."""
BACKBONE, VIDEOS = "clip-vit-b32", 48


def as_before(model: Any) -> None:
    """Put open_clip's own blocks back, over the same weights, and let prompts have nothing in common."""
    from open_clip.transformer import ResidualAttentionBlock

    text = model.tower.text
    blocks = []
    for ours in text.transformer.resblocks:
        width, heads = ours.attn.embed_dim, ours.attn.num_heads
        theirs = ResidualAttentionBlock(width, heads)
        for name, part in ours.named_children():
            setattr(theirs, name, part)
        blocks.append(theirs)
    text.transformer.resblocks = nn.ModuleList(blocks)
    text._needs_mask = True
    model.prompt._common = 0


def epoch_of(method: str, precision: str, steps: int, before: bool) -> Callable[[], None]:
    """An epoch's steps over features that lie in memory."""
    catalog, fabric = discover(), make_fabric("cpu", precision)
    weights = {BACKBONE: "random"}
    request = Request(method, "synthetic", sets={"backbone": BACKBONE}, weights=weights)
    settled = settle(request, catalog)
    task = Task("synthetic", tuple(settled.chosen.dataset.classes), 16, 224)
    model = make_model(settled.method, task, settled.options, Parts(catalog, weights), seed=0)
    stage = settled.recipe.stages[0]
    optimizer: Any = fabric.setup_optimizers(make_optimizer(model, stage, catalog))
    if before:
        as_before(model)
    features, label = torch.randn(VIDEOS, 16, 512), torch.arange(VIDEOS) % len(task.classes)
    batch = Batch(features, label, [{}] * VIDEOS, stage.name, 0.0)

    def epoch() -> None:
        torch.utils.deterministic.fill_uninitialized_memory = before  # type: ignore[attr-defined]
        for _ in range(steps):
            train_step(model.train(), batch, optimizer, stage, fabric)

    return epoch


def main() -> None:
    """Measure both methods both ways in turns and print a line for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    for method in ("coop", "cocoop"):
        ways = {way: epoch_of(method, given.precision, given.steps, way) for way in (True, False)}
        least = dict.fromkeys(ways, float("inf"))
        for _ in range(given.rounds):
            for way, epoch in ways.items():
                started = time.process_time()
                epoch()
                least[way] = min(least[way], time.process_time() - started)
        print(
            f"{method:8}{given.precision}: before {least[True]:7.3f} s, now {least[False]:7.3f} s CPU, "
            f"{least[True] / least[False]:.2f} times cheaper (required: {REQUIRED:g})",
            flush=True,
        )


if __name__ == "__main__":
    main()
