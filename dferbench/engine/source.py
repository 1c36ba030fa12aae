"""One split as batches that a method understands: loaded, on the device, and seen by `encode`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from lightning_fabric import Fabric
from torch import Tensor

from dferbench.data.decoders import Decoder
from dferbench.data.loader import Loaded, VideoLoader, finished, to_float
from dferbench.engine.plan import Plan
from dferbench.nn import Classifier
from dferbench.progress import Progress
from dferbench.types import Video, View


@dataclass
class Losses:
    """Which videos could not be read, and whether that may pass; shared by the splits of a cell."""

    allowed: bool
    skipped: set[str] = field(default_factory=set)
    decoders: Counter[str] = field(default_factory=Counter)

    def take(self, loaded: Loaded, ids: Sequence[str]) -> None:
        """Note what a batch lost. Raises the first VideoError unless skipping was asked for."""
        self.decoders.update(loaded.decoders)
        if loaded.failures and not self.allowed:
            raise loaded.failures[0].error
        self.skipped.update(ids[failure.index] for failure in loaded.failures)


@dataclass(frozen=True)
class Seen:
    """A batch as the method saw it: x from `encode`, and the positions (B,) of its videos in the split."""

    x: Tensor
    index: list[int]
    label: Tensor


class Source:
    """The videos of one split, through one view, for one model."""

    def __init__(
        self,
        videos: Sequence[Video],
        loader: VideoLoader,
        view: View,
        fabric: Fabric,
        losses: Losses,
        progress: Progress,
    ) -> None:
        self.videos, self.loader, self.losses = videos, loader, losses
        self._view, self._fabric, self._progress = view, fabric, progress
        self._memory: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return len(self.videos)

    def batches(
        self, model: Classifier, order: Sequence[int], batch: int, epoch: int = 0, drop_last: bool = False
    ) -> Iterator[Seen]:
        """The videos of `order` in batches; epoch decides what training draws at random."""
        if self._may_remember(model):
            yield from self._remembered(model, order, batch, drop_last)
            return
        for loaded in self.loader.batches(order, batch, epoch, drop_last):
            seen = self._see(model, loaded)
            if seen.index:
                yield seen

    def _may_remember(self, model: Classifier) -> bool:
        overridden = type(model).encode is not Classifier.encode
        return overridden and not self.loader.random

    def _see(self, model: Classifier, loaded: Loaded) -> Seen:
        self.losses.take(loaded, [video.id for video in self.videos])
        index = loaded.index.tolist()
        if not index:
            return Seen(torch.empty(0), [], torch.empty(0))
        frames = finished(loaded, self.loader.size, self._fabric.device)
        video = to_float(frames, self._view.normalize, self._fabric.device)
        return Seen(encode(model, video, self._fabric), index, self._labels(index))

    def _labels(self, index: Sequence[int]) -> Tensor:
        return torch.tensor([self.videos[i].label for i in index], device=self._fabric.device)

    def _remembered(
        self, model: Classifier, order: Sequence[int], batch: int, drop_last: bool
    ) -> Iterator[Seen]:
        if not self._memory:
            self._remember(model, batch)
        kept = [i for i in order if i in self._memory]
        stop = len(kept) - len(kept) % batch if drop_last else len(kept)
        for start in range(0, stop, batch):
            index = kept[start : start + batch]
            x = torch.stack([self._memory[i] for i in index]).to(self._fabric.device)
            yield Seen(x, index, self._labels(index))

    def _remember(self, model: Classifier, batch: int) -> None:
        """Encode every video once, always in the same batches: a resumed run sees the same bits."""
        with self._progress.bar("encode once", len(self)) as bar:
            for loaded in self.loader.batches(range(len(self)), batch):
                seen = self._see(model, loaded)
                self._memory.update(zip(seen.index, seen.x.cpu(), strict=True))
                bar.advance(len(seen.index))


@contextmanager
def open_source(
    plan: Plan,
    decoder: Decoder,
    fabric: Fabric,
    losses: Losses,
    progress: Progress,
    videos: Sequence[Video],
    *,
    training: bool = False,
    seed: int = 0,
) -> Iterator[Source]:
    """The videos of one split of a plan, with the processes that read them; they end with the block."""
    view, size, workers = plan.recipe.view, plan.task.size, plan.request.workers
    loader = VideoLoader(videos, view, size, training=training, seed=seed, workers=workers, decoder=decoder)
    try:
        yield Source(videos, loader, view, fabric, losses, progress)
    finally:
        loader.close()


def encode(model: Classifier, video: Tensor, fabric: Fabric) -> Tensor:
    """What the method's `encode` makes of (B, T, 3, H, W), in eval mode and without gradients."""
    if type(model).encode is Classifier.encode:
        return video
    training = model.training
    with torch.no_grad(), fabric.autocast():
        x = model.eval().encode(video)
    model.train(training)
    return x
