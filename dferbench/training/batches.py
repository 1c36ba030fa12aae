"""One split as batches that a method understands: loaded, on the device, and seen by `encode`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from dferbench.data.decoders import Decoder
from dferbench.data.loader import Loaded, VideoLoader, finished
from dferbench.data.mixing import Mixer
from dferbench.data.normalize import to_float
from dferbench.data.pipeline import Pipeline
from dferbench.experiment.plan import Plan
from dferbench.feature_cache.cache import FeatureCache, FeatureTable
from dferbench.feature_cache.key import kind_of
from dferbench.models import Classifier
from dferbench.progress import Progress
from dferbench.types import Input, Video


@dataclass
class UnreadableVideos:
    """Which videos could not be read, and whether that may pass; shared by the splits of a cell."""

    allowed: bool
    skipped: set[str] = field(default_factory=set)
    decoders: Counter[str] = field(default_factory=Counter)

    def take(self, loaded: Loaded, videos: Sequence[Video]) -> None:
        """Note what a batch lost. Raises the first VideoError unless skipping was asked for."""
        self.decoders.update(loaded.decoders)
        if loaded.failures and not self.allowed:
            raise loaded.failures[0].error
        self.skipped.update(videos[failure.index].id for failure in loaded.failures)


@dataclass(frozen=True)
class EncodedBatch:
    """A batch as the method saw it: x from `encode`, and the positions (B,) of its videos in the split.

    `target` (B, C) is what their labels became if they were mixed.
    """

    x: Tensor
    index: list[int]
    label: Tensor
    target: Tensor | None = None


class Source:
    """The videos of one split, through one input, for one model; `mixer` mixes those of a batch."""

    def __init__(
        self,
        videos: Sequence[Video],
        loader: VideoLoader,
        input: Input,
        fabric: Fabric,
        losses: UnreadableVideos,
        progress: Progress,
        shelf: FeatureCache,
        mixer: Mixer | None = None,
    ) -> None:
        self.videos, self.loader, self.losses = videos, loader, losses
        self._input, self._fabric, self._progress, self._shelf = input, fabric, progress, shelf
        self._mixer = mixer
        self._tables: dict[int, FeatureTable] = {}

    def __len__(self) -> int:
        return len(self.videos)

    def batches(
        self, model: Classifier, order: Sequence[int], batch: int, epoch: int = 0, drop_last: bool = False
    ) -> Iterator[EncodedBatch]:
        """The videos of `order` in batches; epoch decides what training draws at random."""
        if self._may_remember(model):
            yield from self._remembered(model, order, batch, self.loader.drawn(epoch), drop_last)
            return
        for step, loaded in enumerate(self.loader.batches(order, batch, epoch, drop_last)):
            seen = self._see(model, loaded, (epoch, step))
            if seen.index:
                yield seen

    def _may_remember(self, model: Classifier) -> bool:
        overridden = type(model).encode is not Classifier.encode
        return overridden and (not self.loader.random or self._input.draws > 0)

    def _see(self, model: Classifier, loaded: Loaded, when: tuple[int, int]) -> EncodedBatch:
        """`when` is the epoch and the number of the batch in it."""
        self.losses.take(loaded, self.videos)
        index = loaded.index.tolist()
        if not index:
            return EncodedBatch(torch.empty(0), [], torch.empty(0))
        frames = finished(loaded, self.loader.size, self._fabric.device)
        video = to_float(frames, self._input.normalize, self._fabric.device)
        label, target = self._labels(index), None
        if self._mixer is not None:
            video, target = self._mixer(video, label, *when)
        return EncodedBatch(encode(model, video, self._fabric), index, label, target)

    def _labels(self, index: Sequence[int]) -> Tensor:
        return torch.tensor([self.videos[i].label for i in index], device=self._fabric.device)

    def _remembered(
        self, model: Classifier, order: Sequence[int], batch: int, draw: int, drop_last: bool
    ) -> Iterator[EncodedBatch]:
        if draw not in self._tables:
            self._tables[draw] = self._remember(model, draw)
        table = self._tables[draw]
        kept = [i for i in order if i in table]
        stop = len(kept) - len(kept) % batch if drop_last else len(kept)
        for start in range(0, stop, batch):
            index = kept[start : start + batch]
            yield EncodedBatch(table.take(index).to(self._fabric.device), index, self._labels(index))

    def _remember(self, model: Classifier, draw: int) -> FeatureTable:
        """Every video as one draw shows it: what earlier runs left, and the rest read and encoded now.

        Each is encoded by itself, so that its bits depend on no neighbour, and not on what was missing.
        """
        table = FeatureTable(len(self))
        for index, x, decoder in self._shelf.found(draw):
            table.put(index, x)
            self.losses.decoders[decoder] += 1
        missing = [i for i in range(len(self)) if i not in table]
        if not missing:
            return table
        with self._progress.bar("encode once", len(missing)) as bar, self._shelf.adding(len(missing)):
            for step, loaded in enumerate(self.loader.batches(missing, 1, draw)):
                seen = self._see(model, loaded, (draw, step))
                for index, x in zip(seen.index, seen.x.cpu(), strict=True):
                    table.put(index, x)
                    self._shelf.put(index, draw, x, *loaded.decoders)
                bar.advance()
        return table


@dataclass(frozen=True)
class Feed:
    """What the splits of a cell have in common. `seen` is what `encode`'s output depends on (see `kind`), so
    that features are kept on disk; empty: they are not."""

    plan: Plan
    decoder: Decoder
    pipeline: Pipeline
    fabric: Fabric
    losses: UnreadableVideos
    progress: Progress
    seen: Mapping[str, Any] = field(default_factory=dict)

    @contextmanager
    def open(self, videos: Sequence[Video], *, training: bool = False, seed: int = 0) -> Iterator[Source]:
        """The videos of one split, with the processes that read them; they end with the block."""
        pipeline, workers = self.pipeline, self.plan.request.workers
        loader = VideoLoader(
            videos, pipeline, training=training, seed=seed, workers=workers, decoder=self.decoder
        )
        mixer = Mixer(pipeline.mixing, len(self.plan.task.classes), seed)
        shelf = FeatureCache(videos, self._kind(training, seed if loader.random else None), self.progress)
        try:
            yield Source(
                videos, loader, pipeline.input, self.fabric, self.losses, self.progress, shelf,
                mixer if training and pipeline.mixing else None,
            )  # fmt: skip
        finally:
            loader.close()

    def _kind(self, training: bool, seed: int | None) -> dict[str, Any]:
        if not self.seen:
            return {}
        return kind_of(
            self.seen, self.pipeline, self.plan.recipe.precision, self.decoder, self.fabric,
            training=training, seed=seed,
        )  # fmt: skip


def encode(model: Classifier, video: Tensor, fabric: Fabric) -> Tensor:
    """What the method's `encode` makes of (B, T, 3, H, W), in eval mode and without gradients."""
    if type(model).encode is Classifier.encode:
        return video
    training = model.training
    with torch.no_grad(), fabric.autocast():
        x = model.eval().encode(video)
    model.train(training)
    return x
