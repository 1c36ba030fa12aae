"""What a contract is held against: one registered thing, and what it is built with."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dferbench.machine.seeds import seed_everything
from dferbench.registry.catalog import Catalog, Entry
from dferbench.registry.datasets import written
from dferbench.testing.outcome import require


@dataclass(frozen=True, eq=False)
class Candidate:
    """A thing of a kind by its name, with the options that are `given`, as `--set` has them.

    `root` is where a dataset lies, `sample` a file that a decoder can read.
    """

    kind: str
    name: str
    catalog: Catalog
    given: Mapping[str, Any] = field(default_factory=dict)
    root: Path | None = None
    sample: Path | None = None

    @cached_property
    def entry(self) -> Entry:
        """What is registered under the name. Raises UnknownName or ConfigError."""
        return self.catalog.get(self.kind, self.name)

    @property
    def text(self) -> str:
        """The thing as a recipe names it."""
        given = ", ".join(f"{name}={value}" for name, value in self.given.items())
        return f"{self.name}({given})" if given else written(self.name, {})

    def make(self, *given: Any, seed: int = 0) -> Any:
        """What its `build` makes of the arguments that the host hands in, from always the same draws."""
        scramble(seed)
        return self.catalog.make(self.kind, self.text, *given)

    def module(self, *given: Any, seed: int = 0) -> nn.Module:
        """The same, which must be a torch module."""
        made = self.make(*given, seed=seed)
        require(isinstance(made, nn.Module), f"build gave a {type(made).__name__}, not a torch module")
        module: nn.Module = made
        return module


def scramble(seed: int) -> None:
    """Set every global generator: what must not depend on them is asked under several seeds."""
    seed_everything(seed)
    random.seed(seed)
    np.random.seed(seed)


def tensor(*shape: int, seed: int = 0) -> Tensor:
    """Random values in [0, 1), always the same."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def require_finite(found: Any, shape: tuple[int, ...], what: str) -> None:
    """Raise AssertionError unless it is a tensor of that shape with finite values."""
    require(isinstance(found, Tensor), f"{what} gave a {type(found).__name__}, not a tensor")
    require(tuple(found.shape) == shape, f"{what} gave {tuple(found.shape)}, not {shape}")
    require(bool(torch.isfinite(found).all()), f"{what} gave values that are not finite")


def require_gradients(module: nn.Module, total: Tensor) -> None:
    """Raise AssertionError for a parameter that could learn and gets no gradient."""
    learns = {name: one for name, one in module.named_parameters() if one.requires_grad}
    if not learns:
        return
    require(total.requires_grad, "no gradient flows through it, though it has parameters that could learn")
    torch.autograd.backward(total)
    dead = [name for name, one in learns.items() if one.grad is None]
    require(not dead, f"'{(dead or [''])[0]}' gets no gradient")
