"""Training: one epoch of one stage, straight through."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import torch
from lightning_fabric import Fabric
from torch import Tensor

from dferbench.errors import DferbenchError
from dferbench.machine.seeds import permutation, seed_everything
from dferbench.models import Batch, Classifier
from dferbench.progress import Progress
from dferbench.training.batches import EncodedBatch, Source
from dferbench.types import Stage


class Sums:
    """Running means of loss terms, weighted by the number of videos."""

    def __init__(self) -> None:
        self._totals: dict[str, float] = defaultdict(float)
        self._videos = 0

    def add(self, terms: Mapping[str, Tensor], videos: int) -> dict[str, float]:
        """Take a batch's terms in and return them as numbers. Raises DferbenchError if one is not finite."""
        values = {name: float(term.detach()) for name, term in terms.items()}
        for name, value in values.items():
            if not torch.isfinite(torch.tensor(value)):
                raise DferbenchError(f"the loss term '{name}' became {value}", "Lower the learning rates.")
            self._totals[name] += value * videos
        self._videos += videos
        return values

    def means(self) -> dict[str, float]:
        """The mean of each term over all videos so far."""
        return {name: total / self._videos for name, total in self._totals.items()}


def train_epoch(
    model: Classifier,
    stage: Stage,
    optimizer: torch.optim.Optimizer,
    source: Source,
    fabric: Fabric,
    draw: tuple[int, int, int],
    progress: Progress,
) -> dict[str, float]:
    """Train one epoch and return the mean of each loss term.

    `draw` is (seed, epochs before this one in the run, epoch within the stage): all randomness comes from it.
    Raises DferbenchError if a term is not finite or the device runs out of memory.
    """
    seed, before, epoch = draw
    seed_everything(seed, "epoch", before)
    order = permutation(len(source), seed, "order", before)
    steps = max(len(order) // stage.batch if stage.drop_last else -(-len(order) // stage.batch), 1)
    sums = Sums()
    what = f"{stage.name} {epoch + 1}/{stage.epochs}"
    with progress.bar(what, len(order)) as bar:
        batches = source.batches(model, order, stage.batch, before, stage.drop_last)
        for step, seen in enumerate(batches):
            batch = _batch(seen, source, stage, epoch + step / steps)
            terms = train_step(model.train(), batch, optimizer, stage, fabric)
            values = sums.add(terms, len(seen.index))
            bar.advance(len(seen.index), loss=sum(values.values()))
    if not sums.means():
        raise DferbenchError(
            f"stage '{stage.name}': no batch of {stage.batch} could be filled from {len(order)} videos",
            "Use --set stage.batch=... no larger than the training split, or --set stage.drop_last=false.",
        )
    return sums.means()


def _batch(seen: EncodedBatch, source: Source, stage: Stage, epoch: float) -> Batch:
    info = [source.videos[i].info for i in seen.index]
    return Batch(seen.x, seen.label, info, stage.name, epoch, seen.target)


def train_step(
    model: Classifier, batch: Batch, optimizer: torch.optim.Optimizer, stage: Stage, fabric: Fabric
) -> dict[str, Tensor]:
    """One optimiser step on the sum of the method's loss terms, which it returns.

    Raises DferbenchError if the device runs out of memory.
    """
    try:
        with fabric.autocast():
            terms = model.loss(batch)
            total = torch.stack([term.float() for term in terms.values()]).sum()
        optimizer.zero_grad()
        fabric.backward(total)
        if stage.clip_grad is not None:
            fabric.clip_gradients(model, optimizer, max_norm=stage.clip_grad)
        optimizer.step()
    except torch.cuda.OutOfMemoryError as error:
        raise DferbenchError(
            "the device ran out of memory",
            "A smaller batch is another recipe, and shows in the record: --set stage.batch=...",
        ) from error
    return terms
