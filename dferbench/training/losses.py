"""The loss terms of an epoch: they stay on the device, and the host reads many steps' at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from dferbench.training.finite import require_finite_loss
from dferbench.training.pace import Pace


@dataclass(frozen=True)
class _Step:
    """What a step gave: (terms,) on the device, of so many videos."""

    names: tuple[str, ...]
    values: Tensor
    videos: float


class Losses:
    """Running means of loss terms, weighted by the number of videos, in double precision.

    Where no step waits for the device, a term that is not finite is found some steps later, and told with the
    step that it came from; `where` says of which stage and epoch it is. The means do not depend on the pace.
    """

    def __init__(self, where: str, pace: Pace | None = None) -> None:
        self._where, self._pace = where, pace or Pace()
        self._unread: list[_Step] = []
        self.totals: dict[str, float] = defaultdict(float)
        """Of each term over the videos that were read."""
        self._read = 0
        self.videos = 0.0
        self.facts: dict[str, float] = {}
        """The mean `loss` of the steps that were read last, once there are any."""

    def add(self, terms: Mapping[str, Tensor], videos: float) -> None:
        """Take in what a step gave. Raises DferbenchError if a term, its or an earlier, is not finite."""
        # Each bit of a term is kept: double holds them all, and MPS computes in nothing wider than float.
        kind = torch.float32 if next(iter(terms.values())).device.type == "mps" else torch.float64
        values = torch.stack([term.detach().to(kind) for term in terms.values()])
        self._unread.append(_Step(tuple(terms), values, videos))
        self.videos += videos
        if self._pace.due():
            self.read()

    def read(self) -> None:
        """Wait for the device and add up what it has. Raises DferbenchError if a term is not finite."""
        videos, loss = 0.0, 0.0
        for step, values in self._waited_for():
            self._read += 1
            for name, value in zip(step.names, values, strict=True):
                require_finite_loss(name, value, f"step {self._read} of {self._where}")
                self.totals[name] += value * step.videos
            videos, loss = videos + step.videos, loss + sum(values) * step.videos
        if videos:
            self.facts = {"loss": loss / videos}

    def _waited_for(self) -> Iterator[tuple[_Step, list[float]]]:
        """The steps that were not read yet, with their values, for which the device is asked once."""
        steps, self._unread = self._unread, []
        if steps:
            numbers = iter(torch.cat([step.values for step in steps]).tolist())
            for step in steps:
                yield step, [next(numbers) for _ in step.names]

    def means(self) -> dict[str, float]:
        """The mean of each term over all videos so far. Raises DferbenchError if a term is not finite."""
        self.read()
        return {name: total / self.videos for name, total in self.totals.items()}
