"""Videos as torch sees them: one item a video and epoch, a batch as what came of its items."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from dferbench.data.augment import Changes, draw
from dferbench.data.decoders import Decoder
from dferbench.data.pipeline import Pipeline
from dferbench.data.pixels import HOST, Batch, Pixels, apply, each, fit, to_pixels
from dferbench.data.sampling import Indices, shuffled
from dferbench.errors import VideoError
from dferbench.types import Video

Key = tuple[int, int]
"""(epoch, position in the split). The epoch is in the key, so that workers which live on need no state."""


@dataclass(frozen=True)
class Failure:
    """A video that could not be read: its position in the split, and why."""

    index: int
    error: VideoError


@dataclass(frozen=True)
class Loaded:
    """A batch: the frames and index (B,) int64, the positions in the split, of the videos that could be read;
    those that could not; and how many reads each decoder did.

    The frames are finished, (B, T, size, size, 3) uint8 RGB, unless `changes` holds, for each video, what the
    device is to do to them: then they are as they were read.
    """

    frames: Batch
    index: Tensor
    failures: tuple[Failure, ...] = ()
    decoders: Counter[str] = field(default_factory=Counter)
    changes: tuple[Changes, ...] | None = None

    def pin_memory(self) -> Loaded:
        """The same batch in page-locked memory; torch's loader calls this."""
        pinned = each(self.frames, lambda tensor: tensor.pin_memory())
        return replace(self, frames=pinned, index=self.index.pin_memory())

    def to(self, device: torch.device) -> Loaded:
        """The same batch with its frames on the device; of pinned ones the copy has only begun."""
        return replace(self, frames=each(self.frames, lambda tensor: tensor.to(device, non_blocking=True)))


@dataclass(frozen=True)
class Read:
    """A video that could be read: its position in the split, its pixels, their reader, and what to do yet."""

    index: int
    pixels: Pixels
    decoder: str
    changes: Changes | None = None


Item = Read | Failure


class VideoFrames(Dataset[Item]):
    """The videos of one split through one pipeline.

    What training draws depends on (seed, epoch, video id) alone: on no order, worker, process or device.
    Testing draws nothing, and shuffles by the id alone if the rule says so. A video that cannot be read is
    an item like any other: its Failure.
    """

    def __init__(
        self,
        videos: Sequence[Video],
        pipeline: Pipeline,
        *,
        training: bool,
        seed: int,
        decoder: Decoder,
    ) -> None:
        self.videos, self.pipeline, self.size = videos, pipeline, pipeline.size
        self.training, self.seed, self.decoder = training, seed, decoder
        self.sampler = pipeline.sampler
        self.ops = pipeline.ops if training else ()

    @property
    def random(self) -> bool:
        """Whether anything at all is drawn: if not, every epoch sees the same frames."""
        return self.training and self.pipeline.random

    def drawn(self, epoch: int) -> int:
        """Whose draw this epoch sees: with `input.draws` they come round, and without chance there is one."""
        if not self.random:
            return 0
        draws = self.pipeline.input.draws
        return epoch % draws if draws else epoch

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, key: Key) -> Item:
        epoch, index = self.drawn(key[0]), key[1]
        video = self.videos[index]

        def choose(count: int) -> Indices:
            # A new generator each time: the choice must not depend on how many decoders were tried.
            rng = self._generator("frames", epoch, video.id)
            chosen = self.sampler(count, self.pipeline.input.frames, rng)
            return shuffled(chosen, video.id) if self.sampler.shuffle and not self.training else chosen

        try:
            frames, decoder = self.decoder.read(video.path, choose)
        except VideoError as error:
            return Failure(index, error)
        resize = self.pipeline.input.resize
        if not self.ops:
            return Read(index, torch.from_numpy(fit(frames, self.size, resize)), decoder)
        if resize != "bilinear":  # which comes last: what is drawn for a video depends on its size
            frames = fit(frames, self.size, resize)
        height, width = frames[0].shape[:2]
        rng = self._generator("augment", epoch, video.id)
        assert rng is not None
        changes = draw(self.ops, width, height, self.size, rng)
        pixels = to_pixels(frames)
        if not self.pipeline.on_host:
            return Read(index, pixels, decoder, changes)
        return Read(index, apply(pixels, changes, self.size, HOST), decoder)

    def _generator(self, purpose: str, epoch: int, video: str) -> np.random.Generator | None:
        if not self.training:
            return None
        digest = hashlib.sha256(f"{purpose}/{self.seed}/{epoch}/{video}".encode()).digest()
        return np.random.default_rng(int.from_bytes(digest, "big"))


def collate(items: Sequence[Item]) -> Loaded:
    """The batch that some items make; its frames are empty, (0,), if none could be read."""
    good = [item for item in items if isinstance(item, Read)]
    changes = tuple(item.changes for item in good if item.changes is not None)
    return Loaded(
        _together([item.pixels for item in good]),
        torch.tensor([item.index for item in good], dtype=torch.int64),
        tuple(item for item in items if isinstance(item, Failure)),
        Counter(item.decoder for item in good),
        changes or None,
    )


def _together(videos: Sequence[Pixels]) -> Batch:
    """One tensor if all videos have one size, else a tuple."""
    tensors = [video for video in videos if isinstance(video, Tensor)]
    if not videos:
        return torch.empty(0, dtype=torch.uint8)
    if len(tensors) == len(videos) and len({tensor.shape for tensor in tensors}) == 1:
        return torch.stack(tensors)
    return tuple(videos)
