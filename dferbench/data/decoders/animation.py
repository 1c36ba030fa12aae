"""Animated WebP files, which FFmpeg takes for single images: every picture of them is a frame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from dferbench.data.decoders.bounds import require_frame, require_room
from dferbench.data.decoders.frames import Choose, Frames, Image, Passing, Reader, arrange, choose_from
from dferbench.errors import VideoError

HEAD = 21
ANIMATED = 0x02
"""The bit of the 21st byte that says so (WebP container specification, "VP8X" chunk)."""


def is_animation(path: str) -> bool:
    """Whether a file is an animated WebP, by its first bytes."""
    if not Path(path).is_file():  # a pipe would be waited for
        return False
    try:
        with Path(path).open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return False
    known = head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X"
    return known and len(head) == HEAD and bool(head[20] & ANIMATED)


def build() -> Reader:
    """Reads animated WebP files with Pillow."""
    return read


def read(path: str, choose: Choose) -> Frames:
    """The chosen frames, uint8 (T, H, W, 3) RGB; the file is read to its end. Raises VideoError."""
    with _opened(path) as image:
        count, (width, height) = image.n_frames, image.size
    wanted = choose_from(count, choose)
    require_room(path, width, height, len(wanted))
    needed = set(wanted)
    found = {frame.number: frame.image() for frame in in_order(path) if frame.number in needed}
    return arrange(found, wanted)


def in_order(path: str) -> Iterator[Passing]:
    """Every frame, each drawn onto those before it, as browsers show them. Raises VideoError."""
    with _opened(path) as image:
        seconds = 0.0
        for number in range(image.n_frames):
            image.seek(number)
            image.load()
            yield Passing(number, seconds, partial(_pixels, image.convert("RGB")))
            seconds += image.info.get("duration", 0) / 1000


def _pixels(image: Any) -> Image:
    import numpy as np

    return np.asarray(image)


@contextmanager
def _opened(path: str) -> Iterator[Any]:
    """The file as Pillow opens it. Raises VideoError for what is damaged or absurdly large."""
    from PIL import Image as pillow

    try:
        with pillow.open(path) as image:
            require_frame(path, *image.size)
            yield image
    except (OSError, ValueError, EOFError, SyntaxError, pillow.DecompressionBombError) as error:
        raise VideoError(path, f"it cannot be read as an animation ({error})") from error
