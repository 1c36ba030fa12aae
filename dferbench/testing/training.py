"""The contracts of what training changes things with: augmentations, optimizers, schedules."""

from __future__ import annotations

import copy
import math
import pickle
import random
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dferbench.data.augment import Op
from dferbench.data.mixing import BatchOp
from dferbench.data.pixels import HOST, apply
from dferbench.testing.candidate import Candidate, scramble, tensor
from dferbench.testing.outcome import Rule, require
from dferbench.training.optimizers import make_optimizer, set_learning_rates
from dferbench.training.schedules import Schedule, make_schedule
from dferbench.types import Stage

SIDE = 24
"""The final side of augmented frames."""
SHAPES = ((3, 40, 32, 3), (2, 32, 48, 3))
"""(T, H, W, 3) of the videos that augmentations are tried on."""
DRAWS = 20


def _operation(candidate: Candidate) -> Op | BatchOp:
    made = candidate.make()
    able = isinstance(made, Op | BatchOp)
    require(able, f"build() gave a {type(made).__name__} that can neither draw nor mix")
    operation: Op | BatchOp = made
    return operation


def _video(shape: tuple[int, ...]) -> Tensor:
    return (tensor(*shape) * 255).to(torch.uint8)


def _changed(operation: Op, video: Tensor, seed: int) -> Tensor:
    """(T, H, W, 3) -> (T, SIDE, SIDE, 3) as training sees it."""
    height, width = video.shape[1:3]
    change = operation.draw(width, height, SIDE, np.random.default_rng(seed))
    _require_picklable(change)
    # The host hands read-only views of what it keeps, so the change gets a copy that is compared afterwards.
    given = video.clone()
    found: Tensor = apply(given, () if change is None else (change,), SIDE, HOST)
    require(torch.equal(given, video), "it writes into the frames that it is given")
    return found


def _require_picklable(change: object) -> None:
    """What was drawn goes from process to process; what pickle says of it differs from Python to Python."""
    try:
        pickle.loads(pickle.dumps(change))
    except Exception as error:
        raise AssertionError(
            f"what it draws cannot go to another process: pickle says {type(error).__name__}: {error}"
        ) from error


def augmentation_builds(candidate: Candidate) -> None:
    """build() gives an operation with draw(width, height, size, rng) or mix(videos, target, rng)"""
    _operation(candidate)


def augmentation_keeps_form(candidate: Candidate) -> None:
    """it gives videos of the same form, and leaves those that it is given as they are"""
    operation = _operation(candidate)
    if isinstance(operation, Op):
        for shape in SHAPES:
            for seed in range(DRAWS):
                found = _changed(operation, _video(shape), seed)
                wanted = (shape[0], SIDE, SIDE, 3)
                require(tuple(found.shape) == wanted, f"{shape} became {tuple(found.shape)}, not {wanted}")
        return
    for seed in range(DRAWS):
        _mixed(operation, seed)


def _mixed(operation: BatchOp, seed: int) -> tuple[Tensor, Tensor]:
    videos, target = tensor(4, 2, 3, 8, 8), torch.eye(4)
    given, aim = videos.clone(), target.clone()
    found, to = operation.mix(given, aim, np.random.default_rng(seed))
    require(torch.equal(given, videos) and torch.equal(aim, target), "it writes into the batch")
    shapes = (tuple(found.shape), tuple(to.shape))
    require(shapes == (tuple(videos.shape), tuple(target.shape)), f"the batch became {shapes}")
    sums = to.sum(1)
    fair = bool((to >= 0).all()) and torch.allclose(sums, torch.ones(4), atol=1e-4)
    require(fair, f"targets must be shares that sum to 1, got {to[0].tolist()}")
    same = torch.equal(to, target)
    require(operation.relabels or same, "relabels is false, and the targets change")
    return found, to


def augmentation_draws(candidate: Candidate) -> None:
    """all that is random comes from the generator that it is given"""
    operation = _operation(candidate)
    for seed in range(3):
        results = []
        for other in (0, 1):
            scramble(other)
            if isinstance(operation, Op):
                results.append(_changed(operation, _video(SHAPES[0]), seed))
            else:
                results.append(_mixed(operation, seed)[0])
        same = torch.equal(results[0], results[1])
        require(same, "the same generator gives other pixels: something is drawn from elsewhere")


AUGMENTATION: tuple[Rule[Candidate], ...] = (augmentation_builds, augmentation_keeps_form, augmentation_draws)

STAGE = {r"0\..*": 0.05, r"2\..*": 0.02}


def _net(seed: int = 0) -> nn.Sequential:
    scramble(seed)
    return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))


def _stage(candidate: Candidate, **changes: Any) -> Stage:
    return Stage(STAGE, epochs=4, **{"optimizer": candidate.text, **changes})


def _step(net: nn.Module, optimizer: torch.optim.Optimizer) -> float:
    logits = net(tensor(12, 6) - 0.5)
    total = nn.functional.cross_entropy(logits, torch.arange(12) % 3)
    optimizer.zero_grad()
    torch.autograd.backward(total)
    optimizer.step()
    return float(total.detach())


def optimizer_builds(candidate: Candidate) -> None:
    """build(groups, weight_decay) gives a torch.optim.Optimizer"""
    made = make_optimizer(_net(), _stage(candidate), candidate.catalog)
    require(isinstance(made, torch.optim.Optimizer), f"build gave a {type(made).__name__}")


def optimizer_keeps_groups(candidate: Candidate) -> None:
    """every parameter is in one group, which keeps its learning rate, names and pattern"""
    net = _net()
    made = make_optimizer(net, _stage(candidate), candidate.catalog)
    for group in made.param_groups:
        lost = {"lr", "names", "pattern"} - set(group)
        require(not lost, f"a group lost its '{min(lost, default='')}'")
        wanted = STAGE.get(group["pattern"])
        require(math.isclose(group["lr"], wanted or -1), f"lr is {group['lr']}, not the recipe's {wanted}")
    held = [id(one) for group in made.param_groups for one in group["params"]]
    require(sorted(held) == sorted(map(id, net.parameters())), "parameters are missing, or in two groups")


def optimizer_learns(candidate: Candidate) -> None:
    """within forty steps it lowers a loss, and nothing moves at a learning rate of 0"""
    net = _net()
    made = make_optimizer(net, _stage(candidate), candidate.catalog)
    losses = [_step(net, made) for _ in range(40)]
    require(min(losses[1:]) < losses[0], f"from {losses[0]:.4g} to {min(losses[1:]):.4g} at best")
    net = _net()
    made = make_optimizer(net, _stage(candidate), candidate.catalog)
    before = copy.deepcopy(net.state_dict())
    for group in made.param_groups:
        group["lr"] = 0.0
    _step(net, made)
    moved = [name for name, one in net.state_dict().items() if not torch.equal(one, before[name])]
    require(not moved, f"'{(moved or [''])[0]}' moved at a learning rate of 0: it keeps one of its own")


def optimizer_resumes(candidate: Candidate) -> None:
    """its state dict continues as if nothing had happened"""
    straight = _net()
    optimizer = make_optimizer(straight, _stage(candidate), candidate.catalog)
    for _ in range(6):
        _step(straight, optimizer)
    first = _net()
    optimizer = make_optimizer(first, _stage(candidate), candidate.catalog)
    for _ in range(3):
        _step(first, optimizer)
    second = _net(seed=1)
    second.load_state_dict(first.state_dict())
    resumed = make_optimizer(second, _stage(candidate), candidate.catalog)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for _ in range(3):
        _step(second, resumed)
    worst = max(
        float((a - b).detach().abs().max())
        for a, b in zip(straight.parameters(), second.parameters(), strict=True)
    )
    require(worst == 0, f"parameters differ by {worst:.3g} after resuming")


OPTIMIZER: tuple[Rule[Candidate], ...] = (
    optimizer_builds,
    optimizer_keeps_groups,
    optimizer_learns,
    optimizer_resumes,
)

LENGTHS = ((1, 1), (3, 4), (10, 5))
"""(epochs, steps per epoch) of the stages that schedules are tried on."""


def _schedule(candidate: Candidate, epochs: int, steps: int) -> Schedule:
    scramble(0)
    return make_schedule(Stage({".*": 0.1}, epochs=epochs, schedule=candidate.text), steps, candidate.catalog)


def _when(epochs: int, steps: int) -> list[tuple[int, int]]:
    return [(step // steps, step) for step in range(epochs * steps)]


def schedule_builds(candidate: Candidate) -> None:
    """build(epochs, steps) gives lr(full, epoch, step)"""
    made = _schedule(candidate, 10, 5)
    require(callable(made), f"build gave a {type(made).__name__} that cannot be called")


def schedule_rates(candidate: Candidate) -> None:
    """it gives a finite learning rate from 0 on for every step, also of a stage of one"""
    for epochs, steps in LENGTHS:
        lr = _schedule(candidate, epochs, steps)
        for epoch, step in _when(epochs, steps):
            found = lr(0.1, epoch, step)
            number = isinstance(found, int | float) and not isinstance(found, bool)
            right = number and math.isfinite(found) and found >= 0
            require(right, f"it gives {found!r} at epoch {epoch}, step {step} of {epochs} x {steps}")


def schedule_is_pure(candidate: Candidate) -> None:
    """it depends on its arguments alone, so that a resumed run continues with the same learning rates"""
    for epochs, steps in LENGTHS:
        when = _when(epochs, steps)
        lr = _schedule(candidate, epochs, steps)
        straight = {at: lr(0.1, *at) for at in when}
        lr = _schedule(candidate, epochs, steps)
        mixed = random.Random(0).sample(when, len(when))
        for at in [*mixed, *when]:
            scramble(at[1])
            found = lr(0.1, *at)
            require(
                found == straight[at],
                f"step {at[1]} has {straight[at]:.4g}, and {found:.4g} when resumed",
            )


def schedule_reaches(candidate: Candidate) -> None:
    """optimizers take what it gives"""
    net = _net()
    optimizer = make_optimizer(net, Stage(STAGE, epochs=2, optimizer="sgd"), candidate.catalog)
    set_learning_rates(optimizer, _schedule(candidate, 2, 2), 1, 3)
    _step(net, optimizer)


SCHEDULE: tuple[Rule[Candidate], ...] = (
    schedule_builds,
    schedule_rates,
    schedule_is_pure,
    schedule_reaches,
)
