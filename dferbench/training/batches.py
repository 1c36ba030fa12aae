"""The videos of a split as batches: loaded, moved to the device, and passed through the method's `encode`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from dferbench import stopping
from dferbench.data.ahead import ahead, to_device
from dferbench.data.decoders import Decoder
from dferbench.data.loader import Loaded, VideoLoader, finished
from dferbench.data.mixing import Mixer
from dferbench.data.normalize import to_float
from dferbench.data.pipeline import Pipeline
from dferbench.experiment.plan import Plan
from dferbench.experiment.soft_targets import SoftTargets
from dferbench.feature_cache.cache import FeatureCache, FeatureTable
from dferbench.feature_cache.key import kind_of
from dferbench.machine.cores import readers
from dferbench.models import Classifier
from dferbench.progress import Progress
from dferbench.training.across import ALONE, Share, Team
from dferbench.training.dealing import exchange, shares
from dferbench.types import Input, Video

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass
class UnreadableVideos:
    """Which videos could not be read, and whether they may be skipped; shared by the splits of a run."""

    allowed: bool
    skipped: set[str] = field(default_factory=set)
    decoders: Counter[str] = field(default_factory=Counter)

    def note(self, loaded: Loaded, videos: Sequence[Video]) -> None:
        """Note the videos that a batch lacks. Raises the first VideoError unless skipping is allowed."""
        self.decoders.update(loaded.decoders)
        if loaded.failures and not self.allowed:
            raise loaded.failures[0].error
        self.skipped.update(videos[failure.index].id for failure in loaded.failures)


@dataclass(frozen=True)
class EncodedBatch:
    """A batch after `encode`: its output x, the positions of its videos in the split, labels (B,), and (B, C)
    what stands in for them where videos are mixed or have votes. `share` says of what batch it is a part."""

    x: Tensor
    index: list[int]
    label: Tensor
    target: Tensor | None = None
    share: Share | None = None


class Source:
    """The videos of one split, through one input, for one model; `mixer` mixes those of a batch."""

    team: Team = ALONE
    """The processes that share the batches."""
    targets: SoftTargets | None = None
    """What the videos have in place of labels."""

    def __init__(
        self,
        videos: Sequence[Video],
        loader: VideoLoader,
        input: Input,
        fabric: Fabric,
        unreadable: UnreadableVideos,
        progress: Progress,
        cache: FeatureCache,
        mixer: Mixer | None = None,
    ) -> None:
        self.videos, self.loader, self.unreadable = videos, loader, unreadable
        self._input, self._fabric, self._progress, self._cache = input, fabric, progress, cache
        self._mixer = mixer
        self._tables: dict[int, FeatureTable] = {}

    def __len__(self) -> int:
        return len(self.videos)

    def batches(
        self,
        model: Classifier,
        order: Sequence[int],
        batch: int,
        epoch: int = 0,
        drop_last: bool = False,
        shared: bool = False,
    ) -> Iterator[EncodedBatch]:
        """The videos of `order` in batches, of each what this process has of it if they are `shared`; epoch
        decides what training draws at random."""
        if self._may_cache(model):
            yield from self._cached(model, order, batch, self.loader.drawn(epoch), drop_last, shared)
            return
        for step, (loaded, share) in enumerate(self._loaded(order, batch, epoch, drop_last, shared)):
            one = self._encoded(model, loaded, (epoch, step))
            if one.index:
                yield replace(one, share=share)

    def _loaded(
        self, order: Sequence[int], batch: int, epoch: int, drop_last: bool, shared: bool
    ) -> Iterator[tuple[Loaded, Share | None]]:
        if shared and self.team.size > 1:
            known = {i for i, video in enumerate(self.videos) if video.id in self.unreadable.skipped}
            skip = self.unreadable.allowed
            stop = len(order) - len(order) % batch if drop_last else len(order)
            whole = [order[at : at + batch] for at in range(0, stop, batch)]
            yield from shares(self.team, self.loader, self._fabric.device, whole, epoch, known, skip)
            return
        for loaded in self._arriving(order, batch, epoch, drop_last):
            yield loaded, None

    def black(self, videos: int) -> Tensor:
        """So many black videos of the input's shape, on the device."""
        side = self.loader.size
        return torch.zeros(videos, self._input.frames, 3, side, side, device=self._fabric.device)

    def _arriving(
        self, order: Sequence[int], batch: int, epoch: int, drop_last: bool = False
    ) -> Iterator[Loaded]:
        return ahead(self.loader.batches(order, batch, epoch, drop_last), self._fabric.device)

    def _may_cache(self, model: Classifier) -> bool:
        overridden = type(model).encode is not Classifier.encode
        return overridden and (not self.loader.random or self._input.draws > 0)

    def _encoded(self, model: Classifier, loaded: Loaded, when: tuple[int, int]) -> EncodedBatch:
        """`when` is the epoch and the number of the batch in it."""
        self.unreadable.note(loaded, self.videos)
        index = loaded.index.tolist()
        if not index:
            return EncodedBatch(torch.empty(0), [], torch.empty(0))
        frames = finished(loaded, self.loader.size, self._fabric.device)
        video = to_float(frames, self._input.normalize, self._fabric.device)
        label, target = self._labels(index)
        if self._mixer is not None:
            video, target = self._mixer(video, label, *when, target)
        return EncodedBatch(encode(model, video, self._fabric), index, label, target)

    def _labels(self, index: Sequence[int]) -> tuple[Tensor, Tensor | None]:
        label = to_device(torch.tensor([self.videos[i].label for i in index]), self._fabric.device)
        rows = None if self.targets is None else torch.from_numpy(self.targets.shares[list(index)])
        return label, None if rows is None else to_device(rows, self._fabric.device)

    def _cached(
        self, model: Classifier, order: Sequence[int], batch: int, draw: int, drop_last: bool, shared: bool
    ) -> Iterator[EncodedBatch]:
        if draw not in self._tables:
            self._tables[draw] = self._encode_all(model, draw)
        table = self._tables[draw]
        kept = [i for i in order if i in table]
        stop = len(kept) - len(kept) % batch if drop_last else len(kept)
        for start in range(0, stop, batch):
            index = kept[start : start + batch]
            share = self.team.share(len(index)) if shared else None
            index = [index[place] for place in share.mine] if share else index
            x = to_device(table.take(index), self._fabric.device)
            yield EncodedBatch(x, index, *self._labels(index), share)

    def _encode_all(self, model: Classifier, draw: int) -> FeatureTable:
        """The features of every video for one draw: those in the cache, and the rest, encoded now.

        Each video is encoded alone, so that its bits depend neither on a batch nor on what was missing. Of
        several processes one looks into the cache, and each encodes some of the rest.
        """
        table, team = FeatureTable(len(self)), self.team
        for index, x, decoder in self._cache.found(draw) if team.leads else ():
            table.put(index, x)
            self.unreadable.decoders[decoder] += 1
        found = set(team.gather([i for i in range(len(self)) if i in table])[0])
        missing = [i for i in range(len(self)) if i not in found][team.rank :: team.size]
        if missing:
            self._encode_each(model, draw, missing, table)
        if team.size > 1:
            exchange(team, table, [*missing, *(found if team.leads else ())])
        return table

    def _encode_each(self, model: Classifier, draw: int, missing: list[int], table: FeatureTable) -> None:
        with self._progress.bar("encode once", len(missing)) as bar, self._cache.adding(len(missing)):
            for step, loaded in enumerate(self._arriving(missing, 1, draw)):
                stopping.check()
                one = self._encoded(model, loaded, (draw, step))
                for index, x in zip(one.index, one.x.cpu(), strict=True):
                    table.put(index, x)
                    self._cache.put(index, draw, x, *loaded.decoders)
                bar.advance()


@dataclass(frozen=True)
class Feed:
    """What the splits of a run have in common. `seen` is what `encode`'s output depends on, under which its
    features are kept on disk; empty if they are not."""

    plan: Plan
    decoder: Decoder
    pipeline: Pipeline
    fabric: Fabric
    unreadable: UnreadableVideos
    progress: Progress
    seen: Mapping[str, Any] = field(default_factory=dict)
    team: Team = ALONE

    @contextmanager
    def open(self, videos: Sequence[Video], *, training: bool = False, seed: int = 0) -> Iterator[Source]:
        """The videos of one split, with the processes that read them, which end with the block."""
        pipeline, stages = self.pipeline, self.plan.recipe.stages
        batch = 1 if self.seen else min((stage.batch for stage in stages), default=1)
        workers = readers(self.plan.request.workers, len(videos), batch, self.team.size)
        mixer = Mixer(pipeline.mixing, len(self.plan.task.classes), seed)
        loader = VideoLoader(
            videos, pipeline, training=training, seed=seed, workers=workers, decoder=self.decoder
        )
        cache = FeatureCache(videos, self._kind(training, seed if loader.random else None), self.progress)
        try:
            with loader.watched():
                source = Source(
                    videos, loader, pipeline.input, self.fabric, self.unreadable, self.progress, cache,
                    mixer if training and pipeline.mixing else None,
                )  # fmt: skip
                source.team = self.team
                yield source
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
    """The method's `encode` of videos (B, T, 3, H, W), in eval mode and without gradients."""
    if type(model).encode is Classifier.encode:
        return video
    training = model.training
    with torch.no_grad(), fabric.autocast():
        x = model.eval().encode(video)
    model.train(training)
    return x
