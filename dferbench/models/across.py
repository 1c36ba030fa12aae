"""What is computed over a batch of which several processes hold parts: sums and rows, with their gradients.

`torch.nn.SyncBatchNorm` refuses CPU tensors; batch norm is done here with sums in float64, on any device.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm

PIECE = 10_000_000
_parts = False
"""Whether the batch that is computed is a part of one, the rest of which other processes have."""


@contextmanager
def in_parts(parts: bool = True) -> Iterator[None]:
    """Within the block each process computes a part of a batch; elsewhere each computes what it has alone."""
    global _parts
    before, _parts = _parts, parts
    try:
        yield
    finally:
        _parts = before


class _Gather(torch.autograd.Function):
    """Tensors of one shape, one of each process, stacked; the gradients go back to whose they are."""

    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        parts = [torch.empty_like(x) for _ in range(distributed.get_world_size())]
        distributed.all_gather(parts, x.contiguous())
        return torch.stack(parts)

    @staticmethod
    def backward(_: Any, *gradients: Tensor) -> Tensor:
        return _summed(gradients[0])[distributed.get_rank()]


def _summed(x: Tensor) -> Tensor:
    total = x.clone(memory_format=torch.contiguous_format)
    distributed.all_reduce(total)
    return total


def gather_rows(x: Tensor, places: Sequence[Sequence[int]]) -> Tensor:
    """(n, ...) of each process -> (B, ...) on every one: row b is that of the process whose `places` hold b.

    The gradient of each row goes back to the process that gave it, summed over all that used it.
    """
    kind = x.dtype
    if x.is_floating_point():
        x = x.to(torch.promote_types(kind, torch.float32))  # which every backend can add up
        if torch.is_grad_enabled() and not x.requires_grad:
            x = x.detach().requires_grad_()  # or this process would be missing when the others go back
    most = max(map(len, places))
    padded = torch.cat([x, x.new_zeros(most - len(x), *x.shape[1:])])
    stacked = _Gather.apply(padded)
    rows = torch.cat([part[: len(own)] for part, own in zip(stacked, places, strict=True)])
    order = torch.tensor([place for own in places for place in own], device=x.device)
    found: Tensor = rows[order.argsort()].to(kind)
    return found


def average_gradients(parameters: Sequence[nn.Parameter]) -> None:
    """Make the gradients of every process their mean; one that is missing here but not everywhere is zero.

    Done in one go behind the backward pass, in pieces of `PIECE` numbers: what was left out of a batch's loss
    is no matter, and nothing runs next to the sums that losses and norms take. DistributedDataParallel would
    begin earlier, and would have to be told which parameters a loss leaves out.
    """
    has = torch.tensor([int(p.grad is not None) for p in parameters])
    distributed.all_reduce(has)
    learning = [p for p, count in zip(parameters, has.tolist(), strict=True) if count]
    for p in learning:
        p.grad = torch.zeros_like(p) if p.grad is None else p.grad
    for some in _pieces([p.grad for p in learning if p.grad is not None]):
        flat = torch.cat([gradient.flatten() for gradient in some])
        distributed.all_reduce(flat)
        flat /= distributed.get_world_size()
        for gradient, mean in zip(some, torch.split(flat, [g.numel() for g in some]), strict=True):
            gradient.copy_(mean.view_as(gradient))


def _pieces(gradients: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """Consecutive gradients of one type and at least PIECE numbers together, as far as there are."""
    piece: list[Tensor] = []
    for gradient in gradients:
        if piece and (piece[0].dtype != gradient.dtype or sum(g.numel() for g in piece) >= PIECE):
            yield piece
            piece = []
        piece.append(gradient)
    if piece:
        yield piece


class _Normalized(torch.autograd.Function):
    """A part of a batch, (B, C, ...), normalised by the mean and variance of the whole batch; gives these as
    well, and over how many numbers they were taken.

    Sums are in float64, as torch's are on a CPU. In float32 they would depend on who has which part, and what
    rounding moves over the kink of a ReLU changes gradients by far more than rounding.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor | None, eps: float) -> tuple[Tensor, ...]:
        count = _summed(torch.tensor(x.numel() // x.shape[1], device=x.device))
        sums = torch.stack([x.sum(_over(x), dtype=torch.float64), _squares(x)])
        mean, squares = _summed(sums) / count
        variance = (squares - mean.square()).clamp(min=0)
        inverse = (variance + eps).rsqrt()
        scale = inverse.to(x.dtype) if weight is None else inverse.to(x.dtype) * weight.to(x.dtype)
        ctx.save_for_backward(x, mean.to(x.dtype), inverse.to(x.dtype), scale, count)
        ctx.mark_non_differentiable(mean, variance)
        return (x - _wide(mean, x)) * _wide(scale, x), mean, variance, count

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, mean, inverse, scale, count = ctx.saved_tensors
        dy = gradients[0]
        normal = (x - _wide(mean, x)) * _wide(inverse, x)
        own = torch.stack([one.sum(_over(x), dtype=torch.float64) for one in (dy, dy * normal)])
        of_mean, of_spread = _summed(own) / count
        dx = (dy - _wide(of_mean, x) - normal * _wide(of_spread, x)) * _wide(scale, x)
        return dx, own[1].to(x.dtype) if ctx.needs_input_grad[1] else None, None


def _over(x: Tensor) -> list[int]:
    return [0, *range(2, x.ndim)]


def _squares(x: Tensor) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(x, dim=_over(x), dtype=torch.float64)
    return norm.square()


def _wide(one: Tensor, x: Tensor) -> Tensor:
    """A number for each channel, in the shape and type of values."""
    return one.to(x.dtype).view(1, -1, *[1] * (x.ndim - 2))


class _Across(_BatchNorm):
    """Batch norm whose statistics in training are those of the whole batch, wherever its parts are."""

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and _parts):
            return super().forward(x)
        self._check_input_dim(x)  # type: ignore[no-untyped-call]
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        y, mean, variance, count = _Normalized.apply(wide, self.weight, self.eps)
        self._remember(mean, variance * count / (count - 1))
        shifted: Tensor = y if self.bias is None else y + _wide(self.bias, wide)
        return shifted.to(x.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics, as torch does."""
        if self.running_mean is None or self.running_var is None:
            return
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_(variance.to(self.running_var.dtype), share)


@cache
def _kind(own: type[_BatchNorm]) -> type[_BatchNorm]:
    return type(f"{own.__name__}Across", (_Across, own), {})


def spread_batch_norm(model: nn.Module) -> None:
    """Make every batch norm of a model one over all processes, in place: its tensors and their names stay."""
    for module in model.modules():
        # One that computes in a way of its own is left as its author made it.
        if isinstance(module, _BatchNorm) and type(module).forward is _BatchNorm.forward:
            module.__class__ = _kind(type(module))  # type: ignore[arg-type]
