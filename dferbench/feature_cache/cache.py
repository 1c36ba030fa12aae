"""What `encode` made of the videos of a split: in memory for this run, and on disk for the others."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from dferbench.data.identity import identity
from dferbench.errors import ConfigError, DferbenchError
from dferbench.feature_cache.place import require_local
from dferbench.feature_cache.store import Store, bound, footprint, store_of
from dferbench.progress import Progress
from dferbench.types import Video

SECONDS, BYTES = 10.0, 64 << 20
"""What waits is written when the last write is so long ago, or when it is so large: a kill loses no more."""


class FeatureTable:
    """x of the videos of a split, as rows of one tensor."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._rows: dict[int, int] = {}
        self._x = torch.empty(0)

    def __contains__(self, index: int) -> bool:
        return index in self._rows

    def put(self, index: int, x: Tensor) -> None:
        """Keep x of the video at a position."""
        if not self._rows:
            self._x = torch.empty((self._count, *x.shape), dtype=x.dtype)
        self._x[len(self._rows)] = x
        self._rows[index] = len(self._rows)

    def take(self, index: Sequence[int]) -> Tensor:
        """x of the videos at these positions, (B, ...)."""
        return self._x[[self._rows[i] for i in index]]


class FeatureCache:
    """The features of a split's videos on disk, of one kind; if `kind` is empty there are none.

    What cannot be read or written is said and done without: no result depends on it.
    """

    def __init__(self, videos: Sequence[Video], kind: Mapping[str, Any], progress: Progress) -> None:
        self._videos, self._kind, self._progress = videos, kind, progress
        self._store: Store | None = store_of(kind) if kind and bound() else None
        if self._store is not None:
            try:
                require_local(self._store.folder.parent)
            except ConfigError as error:
                self._give_up(error)
        self._waiting: dict[bytes, bytes] = {}
        self._coming = 0
        self._written = 0.0

    def found(self, draw: int) -> Iterator[tuple[int, Tensor, str]]:
        """What earlier runs left of a draw: position, x, and the name of the decoder that read the video."""
        if self._store is None:
            return
        keys = {index: key for index in range(len(self._videos)) if (key := self._key(index, draw))}
        found = damaged = 0
        try:
            for index, kept in zip(keys, self._store.values(keys.values()), strict=True):
                if kept is not None and kept.whole:
                    found += 1
                    yield index, *_unpack(kept.content)
                damaged += kept is not None and not kept.whole
        except DferbenchError as error:
            self._progress.say(f"{error}; they are computed again")
            self._drop()
        if damaged:
            self._progress.say(f"{damaged} remembered features are damaged and computed again")
        if found:
            self._progress.say(f"features of {found} of {len(self._videos)} videos are remembered")

    @contextmanager
    def adding(self, count: int) -> Iterator[None]:
        """`put` works within the block, for `count` videos; what was put is written, whatever happens."""
        self._coming, self._written = count, time.monotonic()
        try:
            yield
        finally:
            self._write()

    def put(self, index: int, draw: int, x: Tensor, decoder: str) -> None:
        """Keep x of the video at a position, as a draw showed it and a decoder read it."""
        key = self._key(index, draw) if self._store is not None else None
        if key is None:
            return
        self._waiting[key] = _pack(x, decoder)
        size = len(self._waiting) * len(self._waiting[key])
        if size > BYTES or time.monotonic() - self._written > SECONDS:
            self._write()

    def _write(self) -> None:
        """Write what waits, if there is room for it and for all that is still to come."""
        waiting, self._waiting = self._waiting, {}
        if self._store is None or not waiting:
            return
        try:
            self._store.make_room(footprint(self._coming, len(next(iter(waiting.values())))))
            self._store.write(waiting, self._kind)
        except DferbenchError as error:
            self._give_up(error)
        self._coming = max(self._coming - len(waiting), 0)
        self._written = time.monotonic()

    def _drop(self) -> None:
        assert self._store is not None
        try:
            self._store.drop()
        except DferbenchError as error:
            self._give_up(error)

    def _give_up(self, error: DferbenchError) -> None:
        self._progress.say(f"features are not kept on disk: {error}. {error.hint}")
        self._store = None

    def _key(self, index: int, draw: int) -> bytes | None:
        """What stands for a video and a draw; None if its files are not there."""
        if not (files := self._identities[index]):
            return None
        # What is drawn, and how frames are shuffled, depends on the id.
        text = f"{files}\n{self._videos[index].id}\n{draw}"
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()

    @cached_property
    def _identities(self) -> list[str]:
        # Taken before any video is read: one that changes from now on is another video next time.
        return [identity(video.path) for video in self._videos]


def _pack(x: Tensor, decoder: str) -> bytes:
    """The length of the decoder's name in a byte, the name, and x as safetensors."""
    name = decoder.encode()[:255]
    return bytes([len(name)]) + name + save({"x": x.contiguous()})


def _unpack(content: bytes) -> tuple[Tensor, str]:
    end = 1 + content[0]
    return load(content[end:])["x"], content[1:end].decode()
