"""What a model computes in testing, as one function of the frames, and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from dferbench.models import Classifier


class TestFunction(nn.Module):
    """Normalised frames (B, T, 3, H, W) float32 -> logits (B, C) float32: `encode` and `forward`."""

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.model = model

    def forward(self, frames: Tensor) -> Tensor:
        """Normalised frames (B, T, 3, H, W) -> logits (B, C)."""
        logits: Tensor = self.model(self.model.encode(frames))
        return logits.float()


class Constant(nn.Module):
    """A module that was called without arguments, and so says the same of every video: () -> its tensor."""

    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.register_buffer("value", value)

    def forward(self) -> Tensor:
        """() -> the tensor."""
        return self.get_buffer("value")


class ReadTensors(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """While it is active, notes which tensors computations read: `seen` holds their ids."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Called in place of every operation of torch."""
        self.seen.update(id(leaf) for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor))
        return func(*args, **(kwargs or {}))


def function_of(model: Classifier, frames: Tensor) -> TestFunction:
    """The test-time function of a copy of the model, `frames` (B, T, 3, H, W) being an example of its input.

    What does not depend on the video, such as text features, is computed now and is a constant in it;
    parameters that only served for that are left out.
    """
    function = TestFunction(copy.deepcopy(model)).eval().requires_grad_(False)
    with torch.no_grad():
        with _constants(function) as found:
            function(frames)
        _replace(function, found)
        read = ReadTensors()
        with read:
            function(frames)
    _drop_others(function, read.seen)
    return function


@contextmanager
def _constants(function: nn.Module) -> Iterator[dict[nn.Module, Tensor]]:
    """What modules give within the block that are called without arguments."""
    found: dict[nn.Module, Tensor] = {}

    def note(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        if not args and not kwargs and isinstance(output, Tensor):
            found[module] = output.detach().clone()

    handles = [one.register_forward_hook(note, with_kwargs=True) for one in function.modules()]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def _replace(function: nn.Module, found: dict[nn.Module, Tensor]) -> None:
    for parent in list(function.modules()):
        for name, child in list(parent.named_children()):
            if child in found:
                setattr(parent, name, Constant(found[child]))


def _drop_others(function: nn.Module, seen: set[int]) -> None:
    for module in function.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            if id(parameter) not in seen:
                setattr(module, name, None)
