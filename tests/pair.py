"""Two processes at the same steps of many methods: one that tests start once, and the test itself."""

import multiprocessing
from contextlib import contextmanager
from dataclasses import replace

import torch

from dferbench.machine.device import make_fabric
from dferbench.machine.several import Member, joined
from dferbench.registry.catalog import discover
from dferbench.registry.options import options_of
from dferbench.testing.methods import Trial
from dferbench.training.across import ALONE, Team
from dferbench.training.optimizers import make_optimizer
from dferbench.training.trainer import train_step
from dferbench.types import Recipe

QUIET = {"dropout": 0.0, "drop_path": 0.0, "erase": 0.0}
"""Options without which a method draws nothing for single videos."""
QUIET_OF = {"dpcnet": {"hidden": 0}}
"""The same of single methods: a hidden layer that comes with dropout."""
SIZES = (5, 4, 3)
"""Videos of the batches: an uneven one, the smallest that two processes share, one that each does whole."""


def trial(name, given=None, quiet=True):
    """A method at a small size, where it has options for that."""
    catalog = discover()
    method = catalog.get("methods", name).value
    known = options_of(method).model_fields
    calm = {**QUIET, **QUIET_OF.get(name, {})} if quiet else {}
    wanted = {**calm, **({"width": 16} if _narrows(known) else {}), **(given or {})}
    return Trial(name, catalog, {k: v for k, v in wanted.items() if k in known})


def _narrows(known):
    """Whether its width is that of a convolution's stem: tokens come in multiples of heads."""
    return "width" in known and "stem" in (known["width"].description or "")


def train(one, team, exact, first=False):
    """Train each stage for a step a size; the terms of all steps, and the state at the end.

    In float32, and with `first`, it is the first step alone: in some networks what rounding leaves grows a
    thousandfold with every step, which says nothing of the processes. In float64, `exact`, all are compared.
    """
    encoder, found = one.build(), []
    model = one.build().double() if exact else one.build()
    team.prepare(model)
    fabric = make_fabric("cpu", "fp32")
    for stage in one.recipe.stages:
        optimizer = make_optimizer(model, stage, one.catalog)
        team.begin_epoch(0, 0)
        for step, size in enumerate(SIZES):
            share = team.share(size)
            batch = replace(_part(one, encoder, stage, share, exact), epoch=step / len(SIZES))
            batch = replace(batch, across=share.across, together=team.together)
            terms = train_step(model.train(), batch, optimizer, stage, fabric, team, share)
            totals = {name: float(term) * share.videos for name, term in terms.items()}
            found.append(team.means(totals, share.videos))
            if first or not exact:
                return found, _state(model), team.drew
    return found, _state(model), team.drew


def _state(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def _part(one, encoder, stage, share, exact):
    """What a share has of a batch; videos that differ from step to step, and from each other by more than
    noise does: batch norm would divide by next to nothing."""
    batch = one.batch(encoder, stage, share.size)
    each = torch.linspace(-1, 1, share.size).view(-1, *(1,) * (batch.x.dim() - 1))
    x = batch.x * (1 + share.size / 10) * 2**each
    x = x.double() if exact else x
    info = [{"caption": f"a face {i}"} if i % 2 else {} for i in share.mine]
    return replace(batch, x=x[share.mine], label=batch.label[share.mine], info=info)


def follow(meeting, pipe):
    """The other process: the same as the test does, until it hangs up."""
    with joined(Member(1, "cpu", (0, 0), meeting), Recipe()):
        while (asked := pipe.recv()) is not None:
            train(trial(*asked[:2]), Team(1, 2), asked[2])


@contextmanager
def pair(folder):
    """Yield a function that trains a method in both processes; gives what `train` gives."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=follow, args=(str(folder / "meeting"), theirs))
    process.start()

    def both(*asked):
        ours.send(asked)
        return train(trial(*asked[:2]), Team(0, 2), asked[2])

    try:
        with joined(Member(0, "cpu", (0, 0), str(folder / "meeting")), Recipe()):
            yield both
            ours.send(None)
            process.join(60)
    finally:
        process.kill()


def alone(name, given, exact, first=False):
    """The same in one process."""
    return train(trial(name, given), ALONE, exact, first)


def off(one, other):
    """The largest relative difference of loss terms."""
    assert one.keys() == other.keys()
    return max(abs(one[name] - other[name]) / max(abs(one[name]), 1e-2) for name in one)


def apart(one, other):
    """The largest relative difference of tensors by name, each in the norm of all that were trained."""
    names = [name for name, tensor in one.items() if tensor.is_floating_point()]
    a, b = (torch.cat([state[name].double().flatten() for name in names]) for state in (one, other))
    return float((a - b).norm() / a.norm())
