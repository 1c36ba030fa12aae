"""Learning rate schedules: pure functions of where training stands, so that resuming needs no state.

Each `build(epochs, steps, **options)` gives a `Schedule` for a stage of so many epochs of so many optimizer
steps. By default the learning rate changes once per epoch; `by="step"` changes it before every step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import TypeAlias

import torch
from torch.optim import lr_scheduler

from dferbench.data.ranges import require_count, require_number
from dferbench.errors import ConfigError, UnknownName
from dferbench.registry.catalog import Catalog
from dferbench.types import Stage

Schedule: TypeAlias = Callable[[float, int, int], float]
"""lr(full, epoch, step) -> the learning rate of a parameter group for one optimizer step.

`full` is the group's learning rate in the recipe. `epoch` and `step` count from 0 within the stage: `step`
continues over its epochs, so the first step of epoch e is e times the steps per epoch.
"""


def make_schedule(stage: Stage, steps: int, catalog: Catalog) -> Schedule:
    """The stage's schedule for `steps` optimizer steps per epoch. Raises ConfigError or UnknownName."""
    schedule: Schedule = catalog.make("schedules", stage.schedule, stage.epochs, steps)
    return schedule


def steps_per_epoch(videos: int, stage: Stage) -> int:
    """Optimizer steps in an epoch over so many videos; 0 if `drop_last` leaves no batch."""
    return videos // stage.batch if stage.drop_last else -(-videos // stage.batch)


def constant(epochs: int, steps: int) -> Schedule:
    """The learning rates stay as they are."""
    return lambda full, epoch, step: full


def milestones(epochs: int, steps: int, *after: int, gamma: float = 0.1) -> Schedule:
    """All learning rates times `gamma` after each of the given numbers of epochs.

    Raises ConfigError for what is not a whole number: torch would wait for it silently.
    """
    for one in after:
        if not isinstance(one, int):
            raise ConfigError(
                f"steps: {one!r} is not a number of epochs", "Write whole numbers, as in steps(30, 40)."
            )
    require_number("gamma of steps", gamma)
    return _per_epoch(lambda optimizer: lr_scheduler.MultiStepLR(optimizer, list(after), gamma), epochs)


def every(epochs: int, steps: int, period: int, gamma: float = 0.1) -> Schedule:
    """All learning rates times `gamma` after every `period` epochs."""
    _require_positive("every", period)
    require_number("gamma of every", gamma)
    return _per_epoch(lambda optimizer: lr_scheduler.StepLR(optimizer, period, gamma), epochs)


def restarts(epochs: int, steps: int, period: int, floor: float = 0.0) -> Schedule:
    """Half a cosine from the full learning rates towards `floor`, restarted every `period` epochs.

    SGDR, Loshchilov and Hutter, ICLR 2017, equation 5 with T_mult = 1. Raises ConfigError for a period
    below 1.
    """
    _require_positive("restarts", period)
    require_number("floor of restarts", floor)

    def build(optimizer: torch.optim.Optimizer) -> lr_scheduler.LRScheduler:
        return lr_scheduler.CosineAnnealingWarmRestarts(optimizer, period, eta_min=floor)

    return _per_epoch(build, epochs)


def cosine(
    epochs: int, steps: int, warmup: int = 0, floor: float = 0.0, floor_ratio: float = 0.0, by: str = "epoch"
) -> Schedule:
    """A linear warm-up over `warmup` epochs, then half a cosine from the full learning rate to its minimum.

    The minimum is `floor`, a learning rate, or `floor_ratio` of each group's full one, which suits
    layer-wise learning rates. By epoch, warm-up epoch e has (e + 1) / (warmup + 1) of the full learning rate.
    By step, as `cosine_scheduler` of VideoMAE's code (utils.py) has it, step t of the W warm-up steps has
    t / (W - 1): it starts at 0, and both its last step and the cosine's first have the full learning rate.
    """
    _require_cosine(warmup, floor, floor_ratio)
    scale = _scale(by, steps)
    if scale is None and not floor_ratio:
        return _per_epoch(lambda optimizer: _annealing(optimizer, epochs, warmup, floor), epochs)
    rise, total = warmup * (scale or 1), epochs * (scale or 1)

    def factor(t: int, low: float) -> float:
        if t < rise:
            return t / max(rise - 1, 1) if scale else (t + 1) / (rise + 1)
        return _half_cosine((t - rise) / max(total - rise, 1), low)

    return _scheduled(factor, floor, floor_ratio, by)


def cosine_under_rise(
    epochs: int,
    steps: int,
    warmup: int = 0,
    floor: float = 0.0,
    floor_ratio: float = 0.0,
    by: str = "epoch",
    lag: int = 0,
) -> Schedule:
    """Half a cosine over all epochs; a linear warm-up replaces its first `warmup` epochs.

    Where the warm-up ends, the learning rate is below the full one already, while `cosine` starts there.
    The minimum is as in `cosine`. By epoch, warm-up epoch e has (e + 1) / (warmup + 1) of the full learning
    rate. By step, as timm's CosineLRScheduler without `warmup_prefix` has it, step t of the W warm-up steps
    has t / W. With `lag`, a step has the learning rate of the one so many before: code that sets it
    after each step from that step's index has a lag of 1.
    """
    _require_cosine(warmup, floor, floor_ratio)
    scale = _scale(by, steps)
    rise, total = warmup * (scale or 1), epochs * (scale or 1)

    def factor(t: int, low: float) -> float:
        t = max(t - lag, 0)
        if t < rise:
            return t / rise if scale else (t + 1) / (rise + 1)
        return _half_cosine(t / total, low)

    return _scheduled(factor, floor, floor_ratio, by)


def cosine_times_rise(
    epochs: int,
    steps: int,
    warmup: int = 0,
    floor: float = 0.0,
    floor_ratio: float = 0.0,
    by: str = "epoch",
) -> Schedule:
    """Half a cosine over all epochs, multiplied by a linear warm-up during its first `warmup` epochs.

    The minimum is as in `cosine`. Warm-up epoch e has (e + 1) / warmup of the cosine's learning rate, so the
    last one has all of it; by step, step t of the W warm-up steps has (t + 1) / W: torch's
    CosineAnnealingLR damped by LinearWarmup of pytorch-warmup, as in EST's code.
    """
    _require_cosine(warmup, floor, floor_ratio)
    scale = _scale(by, steps) or 1
    rise, total = warmup * scale, epochs * scale

    def factor(t: int, low: float) -> float:
        return _half_cosine(t / total, low) * min((t + 1) / max(rise, 1), 1.0)

    return _scheduled(factor, floor, floor_ratio, by)


def _require_cosine(warmup: int, floor: float, floor_ratio: float) -> None:
    require_count("warmup of a cosine", warmup, 0)
    require_number("floor of a cosine", floor)
    require_number("floor_ratio of a cosine", floor_ratio, 0, 1)


def _half_cosine(done: float, low: float) -> float:
    """From 1 at done = 0 to `low` at done = 1."""
    return low + (1 - low) * (1 + math.cos(math.pi * done)) / 2


def _scheduled(factor: Callable[[int, float], float], floor: float, floor_ratio: float, by: str) -> Schedule:
    """The schedule of factor(t, low): t in epochs or steps, `low` the minimum as a share of the full one."""

    def lr(full: float, epoch: int, step: int) -> float:
        low = floor_ratio or (floor / full if full else 1.0)
        return full * factor(step if by == "step" else epoch, low)

    return lr


def _scale(by: str, steps: int) -> int | None:
    """Steps per epoch where the schedule changes by step, else None. Raises UnknownName."""
    if by not in ("epoch", "step"):
        raise UnknownName("unit of a schedule", by, ["epoch", "step"])
    return steps if by == "step" else None


def _require_positive(name: str, period: int) -> None:
    if not isinstance(period, int) or period < 1:
        raise ConfigError(
            f"{name}: the period must be a whole number of epochs from 1 on, got {period!r}",
            f"Write for example {name}(10).",
        )


def _annealing(
    optimizer: torch.optim.Optimizer, epochs: int, warmup: int, floor: float
) -> lr_scheduler.LRScheduler:
    fall = lr_scheduler.CosineAnnealingLR(optimizer, max(epochs - warmup, 1), floor)
    if not warmup:
        return fall
    rise = lr_scheduler.LinearLR(optimizer, 1 / (warmup + 1), total_iters=warmup)
    return lr_scheduler.SequentialLR(optimizer, [rise, fall], [warmup])


def _per_epoch(build: Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler], epochs: int) -> Schedule:
    """One of torch's schedulers as a function: its learning rate of every epoch, for one full one at a time.

    torch's formulas are recursive, so these are its bits where a closed form would differ in the last ones.
    """

    @cache
    def table(full: float) -> list[float]:
        optimizer = torch.optim.SGD([torch.zeros(1)], lr=full)
        scheduler, found = build(optimizer), []
        for _ in range(epochs):
            found.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            scheduler.step()
        return found

    return lambda full, epoch, step: table(full)[epoch]
