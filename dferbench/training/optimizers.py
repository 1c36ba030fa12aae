"""From a stage's text to torch's optimiser: which parameters learn, how fast, and when that changes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.optim import lr_scheduler

from dferbench import spec
from dferbench.errors import ConfigError
from dferbench.types import Stage

Group = dict[str, Any]
Schedule = lr_scheduler.LRScheduler


def parameter_groups(model: nn.Module, stage: Stage) -> list[Group]:
    """One optimiser group a pattern, in the stage's order; the first pattern that matches a parameter wins.

    Sets `requires_grad`: what no pattern names is frozen. Raises ConfigError for a pattern that matches
    nothing, unless it also matches the empty name: `(temporal\\..*)?` is optional.
    """
    where = f"stage '{stage.name}'"
    groups: dict[str, dict[str, nn.Parameter]] = {pattern: {} for pattern in stage.train}
    for name, parameter in model.named_parameters():
        winner = next((p for p in stage.train if _matches(p, name, where)), None)
        parameter.requires_grad_(winner is not None)
        if winner is not None:
            groups[winner][name] = parameter
    for pattern, found in groups.items():
        if not found and not _matches(pattern, "", where):
            first = ", ".join(sorted({name.split(".")[0] for name, _ in model.named_parameters()}))
            raise ConfigError(
                f"{where} trains '{pattern}', which matches no parameter",
                f"Parameters here start with: {first}.",
            )
    return [
        {"params": [*found.values()], "names": [*found], "lr": stage.train[pattern], "pattern": pattern}
        for pattern, found in groups.items()
        if found
    ]


def _matches(pattern: str, name: str, where: str) -> bool:
    try:
        return re.fullmatch(pattern, name) is not None
    except re.error as error:
        raise ConfigError(f"{where}: '{pattern}' is no pattern: {error}", "Mend it.") from None


def sgd(momentum: float = 0.0, nesterov: bool = False) -> Callable[..., torch.optim.Optimizer]:
    """Stochastic gradient descent."""
    return lambda groups, decay: torch.optim.SGD(
        groups, momentum=momentum, nesterov=nesterov, weight_decay=decay
    )


def adam(beta1: float = 0.9, beta2: float = 0.999) -> Callable[..., torch.optim.Optimizer]:
    """Adam, with the weight decay in the gradient."""
    return lambda groups, decay: torch.optim.Adam(groups, betas=(beta1, beta2), weight_decay=decay)


def adamw(
    beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8, undecayed: str = ""
) -> Callable[..., torch.optim.Optimizer]:
    """Adam with decoupled weight decay, but none on parameters whose name the pattern `undecayed` matches."""
    return lambda groups, decay: torch.optim.AdamW(
        _parted(groups, undecayed), betas=(beta1, beta2), eps=eps, weight_decay=decay
    )


def _parted(groups: list[Group], undecayed: str) -> list[Group]:
    """The same groups, each cut in two where some of its parameters are to have no weight decay.

    Raises ConfigError for a pattern that matches nothing.
    """
    if not undecayed:
        return groups
    parted: list[Group] = []
    for group in groups:
        pairs = list(zip(group["names"], group["params"], strict=True))
        for free in (False, True):
            part = dict(pair for pair in pairs if _matches(undecayed, pair[0], "undecayed") == free)
            rule = {"weight_decay": 0.0} if free else {}
            parted += [{**group, "names": [*part], "params": [*part.values()], **rule}] if part else []
    if not any("weight_decay" in group for group in parted):
        raise ConfigError(f"undecayed='{undecayed}' matches nothing that learns", "Mend it, or leave it out.")
    return parted


OPTIMIZERS: Mapping[str, Callable[..., Any]] = {"sgd": sgd, "adam": adam, "adamw": adamw}


def make_optimizer(model: nn.Module, stage: Stage) -> torch.optim.Optimizer:
    """The stage's optimiser over its parameter groups. Raises ConfigError or UnknownName."""
    (build,) = spec.make(_one(stage.optimizer), OPTIMIZERS, "optimizer")
    groups = parameter_groups(model, stage)
    if not groups:
        raise ConfigError(f"stage '{stage.name}' trains nothing", "Name what learns, or drop the stage.")
    optimizer: torch.optim.Optimizer = build(groups, stage.weight_decay)
    return optimizer


def _one(text: str) -> str:
    spec.parse_one(text)
    return text


def constant() -> Callable[..., Schedule]:
    """The rates stay as they are."""
    return lambda optimizer, epochs: lr_scheduler.ConstantLR(optimizer, factor=1.0)


def steps(*milestones: int, gamma: float = 0.1) -> Callable[..., Schedule]:
    """All rates times `gamma` after each of the given numbers of epochs.

    Raises ConfigError for what is no whole number: torch would wait for it without a word.
    """
    for milestone in milestones:
        if not isinstance(milestone, int):
            raise ConfigError(f"steps: {milestone!r} is no number of epochs", "Write steps(30, 40).")
    return lambda optimizer, epochs: lr_scheduler.MultiStepLR(optimizer, list(milestones), gamma)


def every(epochs: int, gamma: float = 0.1) -> Callable[..., Schedule]:
    """All rates times `gamma` after every so many epochs."""
    return lambda optimizer, _: lr_scheduler.StepLR(optimizer, epochs, gamma)


def cosine(warmup: int = 0, floor: float = 0.0) -> Callable[..., Schedule]:
    """A linear rise over `warmup` epochs, then half a cosine from the full rates down to `floor`."""

    def build(optimizer: torch.optim.Optimizer, epochs: int) -> Schedule:
        fall = lr_scheduler.CosineAnnealingLR(optimizer, max(epochs - warmup, 1), floor)
        if not warmup:
            return fall
        rise = lr_scheduler.LinearLR(optimizer, 1 / (warmup + 1), total_iters=warmup)
        return lr_scheduler.SequentialLR(optimizer, [rise, fall], [warmup])

    return build


def cosine_under_rise(warmup: int = 0, floor: float = 0.0) -> Callable[..., Schedule]:
    """Half a cosine over all epochs, down to `floor`; a linear rise replaces its first `warmup` epochs.

    Where the rise ends the rates are already below the full ones, while `cosine` begins there.
    """

    def build(optimizer: torch.optim.Optimizer, epochs: int) -> Schedule:
        def factor(full: float, epoch: int) -> float:
            if epoch < warmup:
                return (epoch + 1) / (warmup + 1)
            low = floor / full if full else 1.0
            return low + (1 - low) * (1 + math.cos(math.pi * epoch / epochs)) / 2

        factors: list[Callable[[int], float]] = [partial(factor, g["lr"]) for g in optimizer.param_groups]
        return lr_scheduler.LambdaLR(optimizer, factors)

    return build


def restarts(epochs: int, floor: float = 0.0) -> Callable[..., Schedule]:
    """Half a cosine from the full rates towards `floor`, begun anew every so many epochs (SGDR, ICLR 2017).

    Raises ConfigError for fewer than one epoch.
    """
    if epochs < 1:
        raise ConfigError(f"restarts every {epochs} epochs", "Give at least 1, as in restarts(10).")
    return lambda optimizer, _: lr_scheduler.CosineAnnealingWarmRestarts(optimizer, epochs, eta_min=floor)


SCHEDULES: Mapping[str, Callable[..., Any]] = {
    "constant": constant, "steps": steps, "every": every, "cosine": cosine,
    "cosine-under-rise": cosine_under_rise, "restarts": restarts,
}  # fmt: skip


def make_schedule(optimizer: torch.optim.Optimizer, stage: Stage) -> Schedule:
    """The stage's schedule, stepped once an epoch. Raises ConfigError or UnknownName."""
    (build,) = spec.make(_one(stage.schedule), SCHEDULES, "schedule")
    schedule: Schedule = build(optimizer, stage.epochs)
    return schedule


def rates(optimizer: torch.optim.Optimizer) -> dict[str, float]:
    """The learning rate of each pattern's group, as it is now."""
    return {group["pattern"]: float(group["lr"]) for group in optimizer.param_groups}
