"""Where a training step of each method goes: the dearest operations, as torch's profiler counts them.

    python benchmarks/speed/families.py [METHOD ...] [--batch 2] [--top 4]

Each method with its own options, input and recipe, random weights and random pixels, in the last stage, on
one thread of a CPU. Shares are of the step's own CPU time, operations apart from their backward counterparts.
What moves or makes values without computing any (copies, fills, layout changes, casts) is summed as "moving":
that is what could be saved without changing a result, and the baseline is the rest of the same step.
"""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from dferbench.cli.profile import Subject, subject_of
from dferbench.machine.device import make_fabric
from dferbench.models import Batch
from dferbench.models.build import make_model
from dferbench.models.parts import Parts
from dferbench.registry.catalog import Catalog, discover
from dferbench.training.batches import encode
from dferbench.training.optimizers import make_optimizer
from dferbench.training.trainer import train_step

MOVING = {
    "aten::copy_", "aten::fill_", "aten::zero_", "aten::clone", "aten::contiguous", "aten::cat",
    "aten::stack", "aten::empty", "aten::empty_strided", "aten::to", "aten::_to_copy", "aten::repeat",
    "aten::index_select", "aten::empty_like", "aten::resize_", "aten::select_backward",
    "aten::slice_backward",
}  # fmt: skip
"""Operations that compute nothing."""


def step_of(one: Subject, catalog: Catalog, batch: int) -> Any:
    """A training step of the last stage, or nothing for a method that is not trained."""
    if not one.recipe.stages:
        return None
    fabric, stage = make_fabric("cpu", "fp32", one.recipe.compute), one.recipe.stages[-1]
    model = make_model(one.method, one.task, one.options, Parts(catalog, missing="random"), seed=0)
    optimizer: Any = fabric.setup_optimizers(make_optimizer(model, stage, catalog, one.recipe.compute.fused))
    pixels = torch.rand(batch, one.task.frames, 3, one.task.size, one.task.size)
    label = torch.arange(batch) % len(one.task.classes)

    def step() -> None:
        x = encode(model, pixels, fabric)
        train_step(
            model.train(), Batch(x, label, [{} for _ in label], stage.name, 0.0), optimizer, stage, fabric
        )

    return step


def shares(step: Any) -> tuple[float, Counter[str]]:
    """CPU milliseconds of the second step, and by operation."""
    step()
    with profile(activities=[ProfilerActivity.CPU]) as found:
        step()
    each: Counter[str] = Counter()
    for event in found.key_averages():
        each["moving" if event.key in MOVING else event.key.removeprefix("aten::")] += (
            event.self_cpu_time_total
        )
    return sum(each.values()) / 1000, each


def main() -> None:
    """Profile the methods named, or all, and print a line for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("method", nargs="*")
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--top", type=int, default=4)
    given = parser.parse_args()
    torch.set_num_threads(1)
    catalog = discover()
    for name in given.method or sorted(catalog.entries["methods"]):
        step = step_of(subject_of(name, {}, 7, catalog), catalog, given.batch)
        if step is None:
            print(f"{name:16} is not trained", flush=True)
            continue
        whole, each = shares(step)
        said = ", ".join(f"{what} {spent / whole / 10:.0f} %" for what, spent in each.most_common(given.top))
        moving = f"moving {each['moving'] / whole / 10:.0f} %"
        print(f"{name:16}{whole:8.0f} ms   {said}{'' if moving in said else f'; {moving}'}", flush=True)


if __name__ == "__main__":
    main()
