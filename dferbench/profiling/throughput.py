"""How fast a method is on this machine, and how much memory it takes, on random pixels."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import torch

from dferbench.data.pipeline import Pipeline, build_pipeline
from dferbench.machine.memory import PeakMemory
from dferbench.machine.numerics import fitted_to
from dferbench.models import Batch, Classifier
from dferbench.models.build import make_model
from dferbench.models.parts import Parts
from dferbench.registry.catalog import Catalog, Entry
from dferbench.training.batches import encode
from dferbench.training.optimizers import make_optimizer
from dferbench.training.room import room_for
from dferbench.training.trainer import train_step
from dferbench.types import Recipe, Stage, Task

if TYPE_CHECKING:
    from lightning_fabric import Fabric

WARM_UP = 2
"""Steps before the clock starts: they allocate, choose kernels and fill caches."""


@dataclass(frozen=True)
class Speed:
    """Videos a second in training (None: nothing is trained) and testing, and peak memory in bytes.

    The medians of a few steps on videos that lie on the device already: no decoding, no augmentation. The
    memory is exact on CUDA, the growth of the process elsewhere, and None where that cannot be told.
    """

    batch: int
    train: float | None
    test: float
    memory: int | None
    memory_is: str


def measure(  # noqa: PLR0913 - what is measured, how, and who is told
    method: Entry,
    task: Task,
    options: Mapping[str, Any],
    recipe: Recipe,
    catalog: Catalog,
    fabric: Fabric,
    batch: int,
    steps: int,
    say: Callable[[str], None],
) -> Speed:
    """Time testing, then training by the last stage; `say` tells what cannot be compiled.

    Raises ConfigError, DataError, DferbenchError if memory ends, or what the plugin raises.
    """
    memory = PeakMemory(fabric.device)
    model = make_model(method, task, options, Parts(catalog, missing="random"), seed=0)
    fabric.to_device(model)
    fitted_to(recipe.compute, model, say)
    classes = len(task.classes)

    def steps_of(videos: int) -> Iterator[Callable[[], Any]]:
        """A step of testing and, if anything is trained, one of training."""
        pixels = torch.rand(videos, task.frames, 3, task.size, task.size, device=fabric.device)
        yield _tester(model, pixels, fabric)
        if recipe.stages:
            yield _trainer(model, pixels, recipe, classes, catalog, fabric)

    def once(videos: int) -> None:
        for step in steps_of(videos):
            step()

    with room_for(batch, fabric.device, once, "Use a smaller --batch.", whose=f"{method.name}: "):
        test, *train = [_videos_a_second(step, batch, steps, fabric) for step in steps_of(batch)]
    return Speed(batch, train[0] if train else None, test, memory.peak(), memory.what)


def _tester(model: Classifier, pixels: torch.Tensor, fabric: Fabric) -> Callable[[], Any]:
    def step() -> None:
        with torch.no_grad(), fabric.autocast():
            model.eval()(encode(model, pixels, fabric))

    return step


def _trainer(
    model: Classifier, pixels: torch.Tensor, recipe: Recipe, classes: int, catalog: Catalog, fabric: Fabric
) -> Callable[[], Any]:
    """A step of the last stage; where the engine would remember what `encode` gives, that is not timed."""
    stage: Stage = recipe.stages[-1]
    optimizer: Any = fabric.setup_optimizers(make_optimizer(model, stage, catalog, recipe.compute.fused))
    label = torch.arange(len(pixels), device=pixels.device) % classes
    kept = remembers(model, build_pipeline(recipe.input, catalog))
    remembered = encode(model, pixels, fabric) if kept else None

    def step() -> None:
        x = encode(model, pixels, fabric) if remembered is None else remembered
        batch = Batch(x, label, [{} for _ in label], stage.name, 0.0)
        train_step(model.train(), batch, optimizer, stage, fabric)

    return step


def remembers(model: Classifier, pipeline: Pipeline) -> bool:
    """Whether training sees each video through `encode` once and then from memory."""
    overridden = type(model).encode is not Classifier.encode
    return overridden and (not pipeline.random or pipeline.input.draws > 0)


def _videos_a_second(step: Callable[[], Any], batch: int, steps: int, fabric: Fabric) -> float:
    seconds = []
    for number in range(WARM_UP + steps):
        _wait(fabric)
        started = time.perf_counter()
        step()
        _wait(fabric)
        if number >= WARM_UP:
            seconds.append(time.perf_counter() - started)
    return batch / median(seconds)


def _wait(fabric: Fabric) -> None:
    """A GPU works on while Python goes ahead; a clock must not."""
    if fabric.device.type == "cuda":
        torch.cuda.synchronize(fabric.device)
