"""The contracts of what networks are made of: backbones, temporal heads, prompts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor, nn

from dferbench.errors import ConfigError
from dferbench.models.two_tower import TwoTower
from dferbench.registry.catalog import Catalog, discover
from dferbench.testing.candidate import Candidate, require_finite, require_gradients, tensor
from dferbench.testing.outcome import Rule, require

DIM, FRAMES = 32, 8
"""Of the features that temporal heads are tried on."""
TEXTS = ("a person who is glad", "a person who is angry", "a face of fear", "a sad face", "a calm face")


def _head(candidate: Candidate, frames: int = FRAMES, seed: int = 0) -> nn.Module:
    return candidate.module(DIM, frames, seed=seed)


def head_builds(candidate: Candidate) -> None:
    """build(dim, frames) gives a torch module"""
    _head(candidate)


def head_shapes(candidate: Candidate) -> None:
    """it turns (B, T, dim) into finite (B, dim), for videos of 1, 8 and 16 frames and a batch of one"""
    for videos, frames in ((1, FRAMES), (3, 1), (3, FRAMES), (2, 16)):
        found = _head(candidate, frames).eval()(tensor(videos, frames, DIM))
        require_finite(found, (videos, DIM), f"({videos}, {frames}, {DIM})")


def head_neighbours(candidate: Candidate) -> None:
    """a video's feature does not depend on its neighbours in the batch, and is the same twice"""
    _require_rows_apart(_head(candidate).eval(), tensor(3, FRAMES, DIM))


def head_keeps_input(candidate: Candidate) -> None:
    """it leaves the features that it is given as they are"""
    _require_input_kept(_head(candidate), tensor(2, FRAMES, DIM))


def head_gradients(candidate: Candidate) -> None:
    """gradients flow to the features, and to every parameter that could learn"""
    module, x = _head(candidate).train(), tensor(2, FRAMES, DIM).requires_grad_()
    total = (module(x) * tensor(2, DIM, seed=1)).sum()
    require(total.requires_grad, "no gradient flows to the features: it detaches them")
    require_gradients(module, total)
    if x.grad is None:
        require(not any(one.requires_grad for one in module.parameters()), "the features get no gradient")
        torch.autograd.backward(total)
    require(x.grad is not None and bool(torch.isfinite(x.grad).all()), "the features get no finite gradient")


def head_state(candidate: Candidate) -> None:
    """the state dict of one makes another compute the same"""
    _require_state(partial(_head, candidate), tensor(2, FRAMES, DIM))


HEAD: tuple[Rule[Candidate], ...] = (
    head_builds,
    head_shapes,
    head_neighbours,
    head_keeps_input,
    head_gradients,
    head_state,
)


@lru_cache(maxsize=1)
def _backbone(candidate: Candidate, seed: int = 0) -> nn.Module:
    weights = None if candidate.entry.facts.get("embedded") else "random"
    module = candidate.module(weights, seed=seed)
    return module.eval()


def _side(candidate: Candidate) -> int:
    size = candidate.given.get("size", candidate.entry.facts.get("size"))
    require(isinstance(size, int | str), "it is registered without size=, the side of its images in pixels")
    side = int(size or 0)
    require(side > 0, f"its size must be a number of pixels, got {size!r}")
    return side


def _seen(module: nn.Module, images: Tensor) -> Any:
    with torch.no_grad():
        return module(images)


def backbone_builds(candidate: Candidate) -> None:
    """build(weights) gives a torch module with a whole number .dim, from random weights or its own"""
    dim = getattr(_backbone(candidate), "dim", None)
    require(isinstance(dim, int) and dim > 0, f".dim must be a whole number from 1 on, got {dim!r}")


def backbone_shapes(candidate: Candidate) -> None:
    """it turns images (N, 3, size, size) into finite (N, dim), also one alone"""
    module, side = _backbone(candidate), _side(candidate)
    for count in (1, 2):
        found = _seen(module, tensor(count, 3, side, side))
        require_finite(found, (count, int(getattr(module, "dim", 0))), f"({count}, 3, {side}, {side})")


def backbone_neighbours(candidate: Candidate) -> None:
    """an image's feature does not depend on its neighbours in the batch, and is the same twice"""
    side = _side(candidate)
    _require_rows_apart(_backbone(candidate), tensor(2, 3, side, side))


def backbone_keeps_input(candidate: Candidate) -> None:
    """it leaves the images that it is given as they are"""
    side = _side(candidate)
    _require_input_kept(_backbone(candidate), tensor(1, 3, side, side))


def backbone_looks(candidate: Candidate) -> None:
    """other images give other features"""
    module, side = _backbone(candidate), _side(candidate)
    one, other = (_seen(module, tensor(1, 3, side, side, seed=seed)) for seed in (0, 1))
    require(not torch.equal(one, other), "two different images give the same feature")


BACKBONE: tuple[Rule[Candidate], ...] = (
    backbone_builds,
    backbone_shapes,
    backbone_neighbours,
    backbone_keeps_input,
    backbone_looks,
)


@lru_cache(maxsize=4)
def _tower(candidate: Candidate) -> TwoTower:
    return small_tower(candidate.catalog)


def small_tower(catalog: Catalog | None = None) -> TwoTower:
    """A backbone with a text tower that comes with its package, for tests of prompts.

    Raises ConfigError if there is none.
    """
    catalog = catalog or discover()
    for entry in catalog.entries["backbones"].values():
        if entry.facts.get("embedded") and isinstance(made := entry.load()(None), TwoTower):
            return made
    raise ConfigError(
        "no backbone with a text tower comes with its package, so a prompt cannot be tried",
        "Install dferbench's own methods.",
    )


def _prompt(candidate: Candidate, texts: Sequence[str] = TEXTS, seed: int = 0) -> nn.Module:
    return candidate.module(_tower(candidate), tuple(texts), seed=seed)


def prompt_builds(candidate: Candidate) -> None:
    """build(tower, texts) gives a torch module"""
    _prompt(candidate)


def prompt_shapes(candidate: Candidate) -> None:
    """called without arguments it gives finite text features (C, dim), for 2 and 5 classes"""
    dim = _tower(candidate).dim
    for count in (2, len(TEXTS)):
        found = _prompt(candidate, TEXTS[:count]).eval()()
        require_finite(found, (count, dim), f"{count} texts")


def prompt_repeats(candidate: Candidate) -> None:
    """it gives the same features twice when it does not learn"""
    module = _prompt(candidate).eval()
    with torch.no_grad():
        first, second = module().clone(), module()
    require(torch.equal(first, second), "the features differ from call to call")


def prompt_reads(candidate: Candidate) -> None:
    """other texts give other features, each class its own"""
    with torch.no_grad():
        found = _prompt(candidate).eval()()
        other = _prompt(candidate, TEXTS[::-1]).eval()()
    require(len(torch.unique(found, dim=0)) == len(TEXTS), "two different texts give the same feature")
    require(not torch.equal(found, other), "the order of the texts does not matter")


def prompt_keeps_tower(candidate: Candidate) -> None:
    """it leaves the backbone's weights as they are, and does not own them"""
    tower = _tower(candidate)
    before = {name: one.clone() for name, one in tower.state_dict().items()}
    module = candidate.module(tower, TEXTS)
    module.train()()
    moved = [name for name, one in tower.state_dict().items() if not torch.equal(one, before[name])]
    require(not moved, f"'{(moved or [''])[0]}' of the backbone moved")
    own = {id(one) for one in tower.parameters()} & {id(one) for one in module.parameters()}
    require(not own, "the backbone is a submodule of it, so its weights have two names: keep it in a tuple")


def prompt_gradients(candidate: Candidate) -> None:
    """every parameter that could learn gets a gradient"""
    module = _prompt(candidate).train()
    found = module()
    require_gradients(module, (found * tensor(*found.shape)).sum())


def prompt_state(candidate: Candidate) -> None:
    """the state dict of one makes another compute the same"""
    _require_state(partial(_prompt, candidate, TEXTS))


PROMPT: tuple[Rule[Candidate], ...] = (
    prompt_builds,
    prompt_shapes,
    prompt_repeats,
    prompt_reads,
    prompt_keeps_tower,
    prompt_gradients,
    prompt_state,
)


def _require_rows_apart(module: nn.Module, x: Tensor) -> None:
    together, again = _seen(module, x), _seen(module, x)
    require(torch.equal(together, again), "the same input gives other features the second time")
    alone = torch.cat([_seen(module, row[None]) for row in x])
    worst = float((together - alone).abs().max())
    require(torch.allclose(together, alone, rtol=1e-3, atol=1e-4), f"features move by {worst:.3g}")


def _require_input_kept(module: nn.Module, x: Tensor) -> None:
    given = x.clone()
    _seen(module, given)
    require(torch.equal(given, x), "it writes into its input")


def _require_state(build: Callable[..., nn.Module], *x: Tensor) -> None:
    first, second = build(seed=0).eval(), build(seed=1).eval()
    second.load_state_dict(first.state_dict())
    with torch.no_grad():
        worst = float((first(*x) - second(*x)).abs().max())
    require(worst == 0, f"values differ by {worst:.3g}: something is drawn that the state dict lacks")
