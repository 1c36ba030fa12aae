"""A single picture, where a video is expected: a video of one frame."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from dferbench.data.decoders import animation, folder
from dferbench.data.decoders.endings import IMAGES
from dferbench.data.decoders.frames import Image, Passing
from dferbench.data.decoders.images import read_images


def is_still(path: str) -> bool:
    """Whether a path leads to a picture that does not move, by its name and, of a WebP, its first bytes."""
    return path.lower().endswith(IMAGES) and Path(path).is_file() and not animation.is_animation(path)


def only_frame(path: str) -> Passing:
    """The picture as the one frame of a video. What it cannot be read for is a VideoError of its pixels."""
    return Passing(0, None, partial(_image, path))


def _image(path: str) -> Image:
    place, name = str(Path(path).parent), Path(path).name
    return read_images(path, [0], lambda _: folder.image_bytes(place, name), lambda _: name)[0]
