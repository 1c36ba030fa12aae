"""Pieces of videos as a model sees them: the whole of one, or a window that slides over it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dferbench.data.decoders import Decoder, is_still, stream
from dferbench.data.sampling import Sampler
from dferbench.errors import VideoError
from dferbench.face_crops.crop import cut
from dferbench.face_crops.follow import same_size
from dferbench.face_crops.track import Track

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Piece:
    """Frames (T, size, size, 3) uint8 `first` to `last` of a video; seconds as in `Span`. `numbers` are those
    of the frames, where the whole video was read."""

    first: int
    last: int
    start: float | None
    end: float | None
    frames: Pixels
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class ClipSampler:
    """How pieces are seen: `frames` of them by the test rule of `sampler`, cropped, `size` pixels wide by
    the filter `resize`. `order` is that of a folder's images."""

    sampler: Sampler
    frames: int
    size: int
    resize: str = "bilinear"
    order: str = "natural"

    def of(self, images: Sequence[Pixels]) -> Pixels:
        """(frames, size, size, 3) of all the images of a piece."""
        return np.stack([images[i] for i in self.sampler(len(images), self.frames, None)])


def whole(path: str, eye: ClipSampler, decoder: Decoder, track: Track | None) -> Piece:
    """The whole video, read as in every test; a single picture is a video of one frame. Raises VideoError."""
    count, chosen = 0, [0]

    def choose(frames: int) -> list[int]:
        nonlocal count, chosen
        count, chosen = frames, [int(i) for i in eye.sampler(frames, eye.frames, None)]
        return chosen

    if is_still(path):
        image = next(stream(path)).image()
        images: Sequence[Pixels] = [image] * len(choose(1))
    else:
        images = list(decoder.read(path, choose)[0])
    pairs = zip(images, chosen, strict=True)
    frames = np.stack([_seen(path, image, track, number, eye) for image, number in pairs])
    return Piece(0, count - 1, None, None, frames, tuple(chosen))


def sliding(path: str, eye: ClipSampler, track: Track | None, window: int, stride: int) -> Iterator[Piece]:
    """Windows of `window` frames, `stride` apart; the last one ends with the video, and so may be nearer.

    A shorter video is one piece. It is decoded once, and no more than one window is kept. Raises VideoError.
    """
    images: deque[Pixels] = deque(maxlen=window)
    seconds: deque[float | None] = deque(maxlen=window)
    number, done = -1, -1
    for frame in stream(path, eye.order):
        number = frame.number
        images.append(_seen(path, frame.image(), track, number, eye))
        seconds.append(frame.seconds)
        if number + 1 >= window and (number + 1 - window) % stride == 0:
            done = number
            yield _piece(number, images, seconds, eye)
    if done != number:
        yield _piece(number, images, seconds, eye)


def _piece(last: int, images: deque[Pixels], seconds: deque[float | None], eye: ClipSampler) -> Piece:
    return Piece(last - len(images) + 1, last, seconds[0], seconds[-1], eye.of(images))


def _seen(path: str, image: Pixels, track: Track | None, number: int, eye: ClipSampler) -> Pixels:
    if track is not None:
        same_size(path, track.size, image)
        if number >= len(track.centres):
            raise VideoError(
                path, f"its decoders disagree on its number of frames ({len(track.centres)} or more)"
            )
    return cut(image, track, number, eye.size, eye.resize)
