"""Video files through PyAV: every frame decoded in order, every sign of damage an error."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from typing import Any

from dferbench.data.decoders.bounds import require_frame, require_room
from dferbench.data.decoders.container import inspect, opened
from dferbench.data.decoders.frames import Choose, Frames, Image, Passing, Reader, arrange, choose_from
from dferbench.data.decoders.geometry import geometry_of, pixel_of
from dferbench.errors import VideoError


def build() -> Reader:
    """Reads video files with PyAV, that is with FFmpeg's libraries; the default."""
    return read


def read(path: str, choose: Choose) -> Frames:
    """The chosen frames, uint8 (T, H, W, 3) RGB, turned, mirrored and widened as players do.

    The number of frames is what decoding yields: where the packets promised another one, `choose` is asked
    again and the video decoded again. After a damaged packet the i-th frame out is no longer the i-th
    frame of the video, so any damage, anywhere in the file, raises VideoError.
    """
    count = inspect(path).frames
    wanted = choose_from(count, choose) if callable(choose) else list(choose)
    found, true_count = _decode(path, set(wanted))
    if true_count != count:
        wanted = choose_from(true_count, choose)
        found, _ = _decode(path, set(wanted))
    return arrange(found, choose_from(true_count, wanted))


def in_order(path: str) -> Iterator[Passing]:
    """Every frame, turned into pixels only if it is looked at. Raises VideoError at the first damage."""
    import av

    count = 0
    with opened(path) as (container, stream):
        pixel = pixel_of(path, stream)
        try:
            for frame in container.decode(stream):
                if frame.is_corrupt:
                    raise VideoError(path, f"frame {count} is damaged")
                yield Passing(count, frame.time, partial(_shown, path, pixel, frame))
                count += 1
        except av.InvalidDataError as error:
            raise VideoError(path, f"it is damaged after frame {count}") from error
    if not count:
        raise VideoError(path, "it has no frames that can be decoded")


def _decode(path: str, wanted: set[int]) -> tuple[dict[int, Image], int]:
    """The wanted frames by number, and how many frames there are."""
    found: dict[int, Image] = {}
    count = 0
    for frame in in_order(path):
        if frame.number in wanted:
            image = found[frame.number] = frame.image()
            require_room(path, image.shape[1], image.shape[0], len(wanted))
        count += 1
    return found, count


def _shown(path: str, pixel: Fraction, frame: Any) -> Image:
    # PyAV keeps the threads that convert a frame; a process that is forked later would wait for them forever.
    require_frame(path, frame.width * pixel, frame.height)
    image: Image = frame.to_ndarray(format="rgb24", threads=1)
    return geometry_of(path, pixel, frame).show(image)
