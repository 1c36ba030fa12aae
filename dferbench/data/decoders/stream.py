"""Whole videos frame by frame: for work that looks at all of a video and must not hold it in memory."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from dferbench.data.decoders import animation, container, folder, pyav, still
from dferbench.data.decoders.faults import passing_by
from dferbench.data.decoders.frames import Image, Passing
from dferbench.data.decoders.images import read_images


def stream(path: str, order: str = "natural") -> Iterator[Passing]:
    """Every frame of a video file, of a folder of images or of a single picture, in order; the numbers are
    those of `read`. The `order` of a folder's images is as in `dferbench.Input`.

    Raises VideoError, possibly after some frames: whether a video is whole is known at its end.
    """
    return passing_by(path, _frames(path, order))


def _frames(path: str, order: str) -> Iterator[Passing]:
    if Path(path).is_dir():
        names = folder.listed(path, order)
        yield from (Passing(i, None, partial(_image, path, names, i)) for i in range(len(names)))
    elif still.is_still(path):
        yield still.only_frame(path)
    elif animation.is_animation(path):
        yield from animation.in_order(path)
    else:
        container.inspect(path)
        yield from pyav.in_order(path)


def _image(path: str, names: list[str], number: int) -> Image:
    def load(i: int) -> bytes:
        return folder.image_bytes(path, names[i])

    return read_images(path, [number], load, lambda i: names[i])[0]
