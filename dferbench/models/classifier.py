"""What every method is: a module that sees, decides and teaches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Batch:
    """What a loss may look at; it grows by fields, never by arguments.

    `x` is what `encode` made of the videos, `label` (B,) int64, `info` each video's extras, `epoch` the
    fractional epoch within the stage: 2.5 is the middle of the third. `target` (B, C) float, each row a
    distribution over the classes, stands in for `label` where the recipe mixes the videos of a batch or aims
    at annotators' votes, and is None otherwise.

    Several processes may share a batch, each having some of its videos. A term of the loss is a mean over
    one's own videos, or a function of what `across` makes of them: given one row a video, (n, ...), it
    gives those of all videos in the batch's order, (B, ...), with gradients. What is drawn at random once
    for the batch is drawn within `together()`, from torch's generator of the CPU, and is then the same in
    every process. In one process neither does anything.
    """

    x: Tensor
    label: Tensor
    info: Sequence[Mapping[str, Any]]
    stage: str
    epoch: float
    target: Tensor | None = None
    across: Callable[[Tensor], Tensor] = lambda rows: rows
    together: Callable[[], AbstractContextManager[None]] = nullcontext


class Classifier(nn.Module):
    """`encode` computes frozen features, `forward` logits, `loss` the loss; the engine does the rest.

    A prediction must not depend on its neighbours in the batch.
    """

    notes: Mapping[str, Any] = MappingProxyType({})
    """What the record keeps about this model, such as the text of its prompts: plain data, fit for JSON."""

    sees: ClassVar[str] = ""
    """What `encode` computes, in words: classes that say the same share what they remember, on disk and
    between runs, where backbones, weights and input agree. Only the word of the class that writes `encode`
    counts; without one nothing outlives the run."""

    mixes: ClassVar[bool] = False
    """Whether a `loss` of one's own uses `Batch.target`. Recipes that mix videos and their labels, or aim at
    votes, are refused where it does not; the loss below does."""

    def encode(self, video: Tensor) -> Tensor:
        """(B, T, 3, H, W) float -> x: the part that never learns. Runs in eval mode, without gradients, and
        is remembered wherever the input draws nothing at random, or only `draws` times."""
        return video

    def forward(self, x: Tensor) -> Tensor:
        """x -> logits (B, C), in the order of `task.classes`. Always: this is the prediction."""
        raise NotImplementedError

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Named scalar terms; the engine minimises their sum and records each."""
        target = batch.label if batch.target is None else batch.target
        return {"ce": F.cross_entropy(self(batch.x), target)}
