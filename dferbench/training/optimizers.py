"""Optimizers by name: `build(groups, weight_decay, **options)` gives a torch optimizer over the groups."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from dferbench.data.ranges import require_number
from dferbench.errors import ConfigError, UnknownName
from dferbench.models.freezing import Group, matches, parameter_groups
from dferbench.registry.catalog import Catalog
from dferbench.training.schedules import Schedule
from dferbench.types import Stage


def make_optimizer(
    model: nn.Module, stage: Stage, catalog: Catalog, fused: bool = False
) -> torch.optim.Optimizer:
    """The stage's optimizer over its parameter groups, `fused` into one kernel or not.

    Raises UnknownName, or ConfigError, also for an optimizer without such a kernel.
    """
    groups = parameter_groups(model, stage)
    if not groups:
        raise ConfigError(
            f"stage '{stage.name}' trains no parameter",
            "State what it trains, --set \"stage.train={'.*': 0.01}\", or leave out the stage.",
        )
    optimizer = _built(stage, groups, catalog)
    if fused:
        _fuse(optimizer, stage)
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]
    return optimizer


def _fuse(optimizer: torch.optim.Optimizer, stage: Stage) -> None:
    """Let it update in one kernel, as torch's optimizers do that are made with `fused`."""
    if "fused" not in optimizer.defaults:
        raise ConfigError(
            f"stage '{stage.name}': the optimizer '{stage.optimizer}' has no fused kernel",
            "Leave out --set compute.fused=true, or use sgd, adam or adamw.",
        )
    for group in optimizer.param_groups:
        group["fused"], group["foreach"] = True, False


def _built(stage: Stage, groups: list[Group], catalog: Catalog) -> torch.optim.Optimizer:
    """The optimizer by its name; what torch says of its values is said of the stage. Raises ConfigError."""
    try:
        made: torch.optim.Optimizer = catalog.make("optimizers", stage.optimizer, groups, stage.weight_decay)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"stage '{stage.name}': the optimizer '{stage.optimizer}' cannot be built: {error}",
            "Change its options; dferbench list optimizers shows what there is.",
        ) from error
    return made


def set_learning_rates(optimizer: torch.optim.Optimizer, schedule: Schedule, epoch: int, step: int) -> None:
    """Give every group the schedule's learning rate for a step; both count from 0 within the stage."""
    for group in optimizer.param_groups:
        group["lr"] = schedule(group["initial_lr"], epoch, step)


def learning_rates(optimizer: torch.optim.Optimizer) -> dict[str, float]:
    """The learning rate of each pattern's group, as it is now."""
    return {group["pattern"]: float(group["lr"]) for group in optimizer.param_groups}


def sgd(
    groups: list[Group], weight_decay: float, momentum: float = 0.0, nesterov: bool = False
) -> torch.optim.Optimizer:
    """Stochastic gradient descent. Raises ConfigError for a momentum outside [0, 1]."""
    require_number("momentum of sgd", momentum, 0, 1)
    if nesterov and not momentum:
        raise ConfigError(
            "nesterov of sgd needs a momentum above 0", "Write sgd(momentum=0.9, nesterov=true)."
        )
    return torch.optim.SGD(groups, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay)


def adam(
    groups: list[Group], weight_decay: float, beta1: float = 0.9, beta2: float = 0.999
) -> torch.optim.Optimizer:
    """Adam, with the weight decay in the gradient. Raises ConfigError for a beta outside [0, 1)."""
    _require_betas("adam", beta1, beta2)
    return torch.optim.Adam(groups, betas=(beta1, beta2), weight_decay=weight_decay)


def adamw(
    groups: list[Group],
    weight_decay: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    undecayed: str = "",
) -> torch.optim.Optimizer:
    """Adam with decoupled weight decay, but none on parameters whose name the pattern `undecayed` matches.

    Raises ConfigError for a beta outside [0, 1), an eps below 0 and a pattern that matches nothing.
    """
    _require_betas("adamw", beta1, beta2)
    require_number("eps of adamw", eps)
    split = _without_decay(groups, undecayed)
    return torch.optim.AdamW(split, betas=(beta1, beta2), eps=eps, weight_decay=weight_decay)


def _require_betas(optimizer: str, *betas: float) -> None:
    for number, beta in enumerate(betas, 1):
        if not isinstance(beta, int | float) or not 0 <= beta < 1:
            raise ConfigError(
                f"beta{number} of {optimizer} must be a number in [0, 1), got {beta!r}",
                f"Write for example {optimizer}(beta1=0.9, beta2=0.999).",
            )


def from_timm(
    groups: list[Group],
    weight_decay: float,
    name: str,
    undecayed: str = "",
    options: Mapping[str, Any] | None = None,
) -> torch.optim.Optimizer:
    """An optimizer of timm by its name, such as lamb or lion, with timm's defaults but for `options`.

    Written `timm(lamb, options={'eps': 1e-6})`; `undecayed` is as in `adamw`. Raises UnknownName for a
    name that timm does not have, ConfigError for options that its optimizer does not take.
    """
    zoo: Any = importlib.import_module("timm.optim")
    if name not in (known := zoo.list_optimizers()):
        raise UnknownName("optimizer of timm", name, known)
    split = _without_decay(groups, undecayed)
    try:
        optimizer: torch.optim.Optimizer = zoo.create_optimizer_v2(
            split, opt=name, weight_decay=weight_decay, **(options or {})
        )
    except (TypeError, ValueError) as error:
        raise ConfigError(f"timm({name}): {error}", "See the optimizer's options in timm.optim.") from error
    return optimizer


def _without_decay(groups: list[Group], undecayed: str) -> list[Group]:
    """The same groups, each cut in two where some of its parameters are to have no weight decay.

    Raises ConfigError for a pattern that matches nothing.
    """
    if not undecayed:
        return groups
    split: list[Group] = []
    for group in groups:
        pairs = list(zip(group["names"], group["params"], strict=True))
        for free in (False, True):
            part = dict(pair for pair in pairs if matches(undecayed, pair[0], "undecayed") == free)
            rule = {"weight_decay": 0.0} if free else {}
            split += [{**group, "names": [*part], "params": [*part.values()], **rule}] if part else []
    if not any("weight_decay" in group for group in split):
        raise ConfigError(
            f"undecayed='{undecayed}' matches nothing that is trained",
            "Fix the pattern, which is matched against whole parameter names, or leave it out.",
        )
    return split
