"""Several processes at one run: who has which videos of a batch, and what they tell one another.

Each process computes a share of every batch, and all of them come to the parameters that one process would
have come to, up to rounding. Alone, nothing of this does anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn

from dferbench.machine.seeds import derive, seed_everything
from dferbench.models import Batch, Classifier
from dferbench.models.across import average_gradients, gather_rows, in_parts, spread_batch_norm

Thing = TypeVar("Thing")
DRAWN_AS_ONE = "as in one process"
DRAWN_APART = "each process drew its own, as for dropout: equal to one process in distribution only"
"""How losses drew at random, for the record."""


def shard(size: int, rank: int, ranks: int) -> list[int]:
    """The places of a batch that a process takes: i and size - 1 - i together, so that what it has, in
    reverse order, is its part of the batch in reverse order. All places if some process would have fewer than
    two, which losses may take for a batch that has no statistics."""
    if size < least_batch(ranks):
        return list(range(size))
    half = -(-size // 2)
    first = range(half * rank // ranks, half * (rank + 1) // ranks)
    return [*first, *(size - 1 - i for i in reversed(first) if size - 1 - i != i)]


def least_batch(ranks: int) -> int:
    """The smallest batch that so many processes can share."""
    return 2 * ranks


@dataclass(frozen=True)
class Share:
    """What process `rank` of `ranks` computes of a batch of `size` videos."""

    size: int
    rank: int = 0
    ranks: int = 1

    @cached_property
    def mine(self) -> list[int]:
        """Places in the batch."""
        return shard(self.size, self.rank, self.ranks)

    @property
    def parts(self) -> bool:
        """Whether others have the rest; else everybody has all of it."""
        return len(self.mine) < self.size

    @property
    def weight(self) -> float:
        """What the loss of this share counts in the mean over the processes."""
        return len(self.mine) * self.ranks / self.size if self.parts else 1.0

    @property
    def videos(self) -> float:
        """How many of the batch's videos this process answers for: over all processes they are its size."""
        return len(self.mine) if self.parts else self.size / self.ranks

    def across(self, x: Tensor) -> Tensor:
        """See `Batch.across`."""
        if not self.parts:
            return x
        return gather_rows(x, [shard(self.size, rank, self.ranks) for rank in range(self.ranks)])


class Team:
    """The processes of a run, seen by one of them; `rank` 0 leads, and it alone writes."""

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size
        self.drew = False
        """Whether losses drew at random for single videos, which differs from what one process draws."""
        self._together = torch.empty(0)

    @property
    def leads(self) -> bool:
        """Whether this process writes, reports and decides."""
        return self.rank == 0

    @property
    def facts(self) -> dict[str, Any]:
        """What the record says of them: how many, and whether they drew other than one process."""
        if self.size == 1:
            return {"devices": 1}
        return {"devices": self.size, "draws": DRAWN_APART if self.drew else DRAWN_AS_ONE}

    def share(self, size: int) -> Share:
        """What this process has of a batch."""
        return Share(size, self.rank, self.size)

    def deal(self, order: Sequence[int], batch: int) -> list[int]:
        """The videos of every so manieth batch of `order`: batch j is that of process j mod size."""
        starts = range(self.rank * batch, len(order), self.size * batch)
        return [i for start in starts for i in order[start : start + batch]]

    def begin_epoch(self, seed: int, epoch: int) -> None:
        """Seed what this process draws, and what all draw together, which is as if one process drew it."""
        if self.size == 1:
            seed_everything(seed, "epoch", epoch)
            return
        seed_everything(seed, "epoch", epoch, "process", self.rank)
        self._together = torch.Generator().manual_seed(derive(seed, "epoch", epoch)).get_state()

    def together(self) -> AbstractContextManager[None]:
        """See `Batch.together`."""
        return nullcontext() if self.size == 1 else self._drawing()

    @contextmanager
    def _drawing(self) -> Iterator[None]:
        own = torch.get_rng_state()
        torch.set_rng_state(self._together)
        try:
            yield
        finally:
            self._together = torch.get_rng_state()
            torch.set_rng_state(own)

    def prepare(self, model: nn.Module) -> None:
        """Make a model's batch norm one over all processes, and its numbers those of the leader."""
        if self.size == 1:
            return
        spread_batch_norm(model)
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                distributed.broadcast(tensor, 0)

    def loss(self, model: Classifier, batch: Batch, share: Share) -> dict[str, Tensor]:
        """The terms of a method's loss on what this process has of a batch, or on a piece of it."""
        if self.size == 1 or self.drew:
            with in_parts(share.parts):
                return model.loss(batch)
        before = _state(batch.label.device)
        with in_parts(share.parts):
            terms = model.loss(batch)
        self.drew = not torch.equal(before, _state(batch.label.device))
        return terms

    def average(self, model: nn.Module) -> None:
        """Make the gradients of every process their mean. A parameter that has one nowhere gets none."""
        if self.size > 1:
            average_gradients([p for p in model.parameters() if p.requires_grad])

    def gather(self, thing: Thing) -> list[Thing]:
        """That of every process, in their order; things must be picklable."""
        if self.size == 1:
            return [thing]
        found: list[Any] = [None] * self.size
        distributed.all_gather_object(found, thing)
        return found

    def means(self, totals: Mapping[str, float], videos: float) -> dict[str, float]:
        """The mean of each loss term over the videos of all processes, of totals over one's own."""
        every = self.gather((dict(totals), videos))
        count = sum(videos for _, videos in every)
        return {name: sum(one.get(name, 0.0) for one, _ in every) / count for name in totals}


ALONE = Team()


def _state(device: torch.device) -> Tensor:
    """The state of what draws at random here and on the device."""
    states = [torch.get_rng_state()]
    if device.type == "cuda":
        states.append(torch.cuda.get_rng_state(device))
    return torch.cat(states)
