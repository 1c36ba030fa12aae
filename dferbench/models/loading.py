"""Named tensors into a model, each of the right shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from dferbench.errors import DataError


def load_exactly(
    model: nn.Module,
    state: Mapping[str, Tensor],
    source: str,
    hint: str,
    called: Callable[[str], str] = str,
) -> None:
    """Give the model the tensors of `state`, all that it has, converted to its own types.

    Raises DataError with `source` and the first name that is missing, unexpected, of another shape or not
    finite, as the file would have `called` it; the model is then unchanged.
    """
    for name in model.state_dict():
        if name not in state:
            raise DataError(f"{source} lacks the weights '{called(name)}'", hint)
    load_some(model, state, source, hint, called)


def load_some(
    model: nn.Module,
    state: Mapping[str, Tensor],
    source: str,
    hint: str,
    called: Callable[[str], str] = str,
) -> None:
    """The same for a part of the model's tensors; the others stay as they are."""
    wanted = model.state_dict()
    for name, tensor in state.items():
        if name not in wanted:
            raise DataError(f"{source} holds '{called(name)}', which this model has no place for", hint)
        if wrong := _misfit(wanted[name], tensor):
            raise DataError(f"{source}: '{called(name)}' {wrong}", hint)
    model.load_state_dict(state, strict=False)


def _misfit(wanted: Tensor, found: Tensor) -> str:
    """What is wrong with a tensor that should stand in for `wanted`; "" if nothing is."""
    if found.shape != wanted.shape:
        return f"is of shape {list(found.shape)}, not {list(wanted.shape)}"
    if found.layout != torch.strided or found.is_quantized or found.is_complex():
        return "is not a plain tensor of real numbers"
    return "" if torch.isfinite(found).all() else "holds numbers that are not finite"
