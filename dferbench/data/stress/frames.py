"""One reading of a test video, and all that is made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from dferbench.data.dataset import Failure, Item, Key, Read, VideoFrames
from dferbench.data.decoders import Decoder, Frames
from dferbench.data.pipeline import Pipeline
from dferbench.data.pixels import fit
from dferbench.data.sampling import Indices, shuffled
from dferbench.data.stress.corruptions import Stress
from dferbench.errors import VideoError
from dferbench.types import Video

Version = Stress | None
"""A corruption, or None for the video as it is."""


@dataclass(frozen=True)
class Taken:
    """The frames of one reading, by their numbers in the video, and those that each version shows."""

    place: int
    images: Mapping[int, Any]
    shown: Sequence[Indices]
    decoder: str


class StressedFrames(VideoFrames):
    """Test videos in several versions: position v * len(versions) + k is version k of video v.

    A video is read when the first of its versions is asked for, only the frames that some version shows, and
    those are kept until another video is asked for: whoever asks for versions one after another reads each
    video once, and holds one at a time.
    """

    def __init__(
        self, videos: Sequence[Video], pipeline: Pipeline, versions: Sequence[Version], decoder: Decoder
    ) -> None:
        super().__init__(videos, pipeline, training=False, seed=0, decoder=decoder)
        self.versions = versions
        self._taken: Taken | VideoError | None = None
        self._place = -1

    def __len__(self) -> int:
        return len(self.videos) * len(self.versions)

    def __getitem__(self, key: Key) -> Item:
        place, number = divmod(key[1], len(self.versions))
        taken, version = self._of(place), self.versions[number]
        if isinstance(taken, VideoError):
            return Failure(key[1], taken)
        frames = _together([taken.images[i] for i in taken.shown[number].tolist()])
        if version is not None:
            frames = version.pixels(frames, self.videos[place].id)
        fitted = fit(frames, self.size, self.pipeline.input.resize)
        return Read(key[1], torch.from_numpy(np.require(fitted, requirements=["C", "W"])), taken.decoder)

    def _of(self, place: int) -> Taken | VideoError:
        if self._taken is None or self._place != place:
            self._taken, self._place = None, place  # let go before the next one is read
            try:
                self._taken = self._read(place)
            except VideoError as error:
                self._taken = error
        return self._taken

    def _read(self, place: int) -> Taken:
        video, shown, wanted = self.videos[place], list[Indices](), list[int]()

        def choose(count: int) -> Indices:
            shown[:] = [self._chosen(count, version, video) for version in self.versions]
            union = np.unique(np.concatenate(shown))
            wanted[:] = union.tolist()
            return union

        images, decoder = self.decoder.read(video.path, choose)
        return Taken(place, dict(zip(wanted, images, strict=True)), shown, decoder)

    def _chosen(self, count: int, version: Version, video: Video) -> Indices:
        """What a version shows, by the test rule of the sampler on the course of that version."""
        course = np.arange(count) if version is None else version.frames(count, video.id)
        chosen = self.sampler(len(course), self.pipeline.input.frames, None)
        if self.sampler.shuffle:
            chosen = shuffled(chosen, video.id)
        indices: Indices = course[chosen]
        return indices


def _together(images: list[Any]) -> Frames:
    """One array where all frames have one size."""
    return np.stack(images) if len({image.shape for image in images}) == 1 else images
