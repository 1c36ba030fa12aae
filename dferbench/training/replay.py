"""The loss that several processes would have of a batch, computed by one of them without the others.

Each share's loss is computed up to its first use of `Batch.across`; what all shares gave there is put
together, and they are computed again, up to the second use, and so on until all come to their end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from dferbench.models import Batch, Classifier
from dferbench.training.across import shard

MOST = 20
"""Uses of `across` in a loss."""


class _Waits(Exception):
    """A share's loss has come to what the other shares must give first."""

    def __init__(self, rows: Tensor) -> None:
        super().__init__()
        self.rows = rows


class _Fixed(TorchFunctionMode):
    """What is drawn at random for each video is a constant, so that it depends on no batch."""

    CONSTANT: ClassVar[Mapping[Any, float]] = {
        torch.rand: 0.5, torch.randn: 0.0, torch.randint: 0, Tensor.bernoulli_: 1.0, Tensor.normal_: 0.0,
    }  # fmt: skip

    def __torch_function__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        found = function(*args, **(kwargs or {}))
        return found.fill_(self.CONSTANT[function]) if function in self.CONSTANT else found


def whole_loss(model: Classifier, batch: Batch) -> Tensor:
    """The sum of the loss terms of a batch; in eval mode, so without dropout and with batch norm's running
    statistics, and without what is drawn for single videos."""
    return _loss(model, batch)


def shared_loss(model: Classifier, batch: Batch, ranks: int) -> Tensor:
    """The same as `ranks` processes compute it: the mean of their losses, weighted by their videos.

    Raises AssertionError for a loss that never comes to its end, and what the loss raises.
    """
    size = len(batch.label)
    places = [shard(size, rank, ranks) for rank in range(ranks)]
    order = torch.tensor([place for own in places for place in own]).argsort()
    known: list[Tensor] = []
    for _ in range(MOST):
        found = [_until(model, _part(batch, own), known) for own in places]
        waiting = [one.rows for one in found if isinstance(one, _Waits)]
        if not waiting:
            losses = [one for one in found if isinstance(one, Tensor)]
            return torch.stack([x * len(own) for x, own in zip(losses, places, strict=True)]).sum() / size
        assert len(waiting) == ranks, "some shares of a batch call `across`, and others do not"
        assert [len(rows) for rows in waiting] == [len(own) for own in places], (
            "`across` takes one row for each of the videos"
        )
        known.append(torch.cat(waiting)[order])
    raise AssertionError(f"the loss calls `across` more than {MOST} times")


def _part(batch: Batch, own: list[int]) -> Batch:
    target = None if batch.target is None else batch.target[own]
    info = [batch.info[place] for place in own]
    return replace(batch, x=batch.x[own], label=batch.label[own], info=info, target=target)


def _until(model: Classifier, batch: Batch, known: Sequence[Tensor]) -> Tensor | _Waits:
    given = iter(known)

    def across(rows: Tensor) -> Tensor:
        for one in given:
            return one
        raise _Waits(rows)

    try:
        return _loss(model, replace(batch, across=across))
    except _Waits as waits:
        return waits


def _loss(model: Classifier, batch: Batch) -> Tensor:
    with _Fixed(), _forgetful(model.eval()):
        terms = model.loss(replace(batch, together=_together))
    return torch.stack([term.float() for term in terms.values()]).sum()


@contextmanager
def _together() -> Iterator[None]:
    """What is drawn for a batch as a whole is the same for all of its shares."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        yield


@contextmanager
def _forgetful(model: nn.Module) -> Iterator[None]:
    """What a model notes in a loss, such as what it has counted so far, is forgotten behind the block."""
    before = {module: dict(vars(module)) for module in model.modules()}
    try:
        yield
    finally:
        for module, attributes in before.items():
            vars(module).clear()
            vars(module).update(attributes)
