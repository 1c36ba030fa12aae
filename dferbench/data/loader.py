"""Batches of videos from worker processes, and their arrival on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from dferbench import stopping
from dferbench.data import readers
from dferbench.data.dataset import Failure, Key, Loaded, VideoFrames, collate
from dferbench.data.decoders import Decoder, choose_decoder
from dferbench.data.decoders.pack import is_packed
from dferbench.data.pipeline import Pipeline
from dferbench.data.pixels import apply_all
from dferbench.errors import ConfigError
from dferbench.types import Video

__all__ = ["Failure", "Loaded", "VideoLoader", "finished"]

TIMEOUT = 300
"""Seconds after which a batch that has not come is taken for a decoder that hangs."""


def finished(loaded: Loaded, size: int, device: torch.device | str) -> Tensor:
    """(B, T, size, size, 3) uint8 on the device: what the workers left to it is done here."""
    if loaded.changes is not None:
        return apply_all(loaded.frames, loaded.changes, size, device)
    assert isinstance(loaded.frames, Tensor)
    return loaded.frames.to(device, non_blocking=True)


class VideoLoader:
    """The videos of one split in batches, read by `workers` processes that live as long as the loader.

    The batches are the same whatever the number of workers (0: this process reads). `start` is how workers
    are started ("fork", "spawn", "forkserver"; None: the platform's way). `made` makes other items of the
    videos than the frames that training or testing sees, with the decoder that it is given.
    """

    def __init__(
        self,
        videos: Sequence[Video],
        pipeline: Pipeline,
        *,
        training: bool,
        seed: int,
        workers: int = 0,
        decoder: Decoder | str = "auto",
        start: str | None = None,
        made: Callable[[Decoder], VideoFrames] | None = None,
    ) -> None:
        decoder = choose_decoder(decoder) if isinstance(decoder, str) else decoder
        decoder = decoder.in_order(pipeline.input.order)
        if decoder.order != "natural" and any(is_packed(video.path) for video in videos):
            raise ConfigError(
                f"a pack keeps frames in natural order, not in {decoder.order} order",
                "Read the frames themselves, with --root, or leave input.order out.",
            )
        self._videos = (
            made(decoder)
            if made
            else VideoFrames(videos, pipeline, training=training, seed=seed, decoder=decoder)
        )
        self._workers, self._start = workers, start
        self._plan = _Plan()
        self._loader: DataLoader[Any] | None = None

    @property
    def size(self) -> int:
        """The side in pixels that every frame has in the end."""
        return self._videos.size

    @property
    def random(self) -> bool:
        """Whether two epochs can differ."""
        return self._videos.random

    def drawn(self, epoch: int) -> int:
        """Two epochs with the same number here see the same."""
        return self._videos.drawn(epoch)

    def batches(
        self, order: Sequence[int], batch: int, epoch: int = 0, drop_last: bool = False
    ) -> Iterator[Loaded]:
        """The videos at the positions `order`, `batch` at a time; `drop_last` leaves out a smaller rest.

        A later call ends an earlier one that was not finished. Raises DataError if a worker died or hangs or
        has no room in shared memory, and RuntimeError if an earlier iterator is taken up again.
        """
        stop = len(order) - len(order) % batch if drop_last else len(order)
        yield from self.planned([order[at : at + batch] for at in range(0, stop, batch)], epoch)

    def planned(self, batches: Sequence[Sequence[int]], epoch: int = 0) -> Iterator[Loaded]:
        """The same of batches that are given as they are, none of them empty."""
        plan = [[(epoch, i) for i in one] for one in batches]
        self._plan.batches = plan
        with self.watched():
            for loaded in readers.taken(self._started()):
                yield loaded
                if self._plan.batches is not plan:
                    raise RuntimeError("these batches ended when others were asked for")

    def read(self, index: Sequence[int], epoch: int = 0) -> Loaded:
        """The videos at some positions, read by this process."""
        return collate([self._videos[epoch, i] for i in index])

    def close(self) -> None:
        """End the workers; the next `batches` starts new ones."""
        # torch ends them when its iterator is collected, but an unfinished `batches` may still hold that.
        iterator, self._loader = self._iterator, None
        if isinstance(iterator, _MultiProcessingDataLoaderIter):
            readers.end(iterator)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Turn the death of a worker, which torch tells wherever this process happens to be, into a DataError
        with a way out, and start afresh the next time."""
        try:
            yield
        except RuntimeError as error:
            if not readers.is_death(error):
                raise
            try:
                raise readers.death(error, self._iterator) from error
            finally:
                self.close()

    @property
    def _iterator(self) -> object:
        return self._loader._iterator if self._loader is not None else None

    def _started(self) -> Iterator[Loaded | readers.NoRoom]:
        """torch's iterator. No signal is heeded while it forks: one that is would be lost there."""
        with stopping.held(), readers.startable(self._workers):
            return iter(self._open())

    def _open(self) -> DataLoader[Any]:
        """The loader with its workers; it reads the current plan at the start of each iteration."""
        if self._loader is None:
            parallel = self._workers > 0
            self._loader = DataLoader(
                self._videos,
                batch_sampler=self._plan,
                collate_fn=readers.collate_shared if parallel else collate,
                num_workers=self._workers,
                persistent_workers=parallel,
                timeout=TIMEOUT if parallel else 0,
                multiprocessing_context=self._start if parallel else None,
                pin_memory=torch.cuda.is_available(),
                worker_init_fn=readers.prepare,
            )
        return self._loader


class _Plan:
    """What torch's loader asks for its batches: whatever is to be read now."""

    def __init__(self) -> None:
        self.batches: list[list[Key]] = []

    def __iter__(self) -> Iterator[list[Key]]:
        return iter(self.batches)
