"""Encoded images to pixels: one way for all of them, wherever their bytes lie."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

from dferbench.data.decoders.frames import Frames, Image
from dferbench.errors import VideoError

JPEG = b"\xff\xd8\xff"
"""How a JPEG begins; what a file is called says nothing."""


def read_images(
    path: str, wanted: Sequence[int], load: Callable[[int], bytes], name: Callable[[int], str]
) -> Frames:
    """The images whose bytes `load` gives, in the order wanted: each is decoded once, into one array.

    (T, H, W, 3) uint8 RGB as Pillow decodes them, or a list of (H, W, 3) if their sizes differ. Raises
    VideoError that names the image, as `name` calls it, which cannot be loaded or decoded.
    """
    import numpy as np

    if not wanted:
        return []
    images: dict[int, Image] = {}
    batch = None
    for place, i in enumerate(wanted):
        room = None if batch is None else batch[place]
        if i not in images:
            try:
                images[i] = decode(load(i), room)
            except (OSError, ValueError) as error:
                raise VideoError(path, f"its frame {name(i)} cannot be read ({error})") from error
        if batch is None:
            batch = np.empty((len(wanted), *images[i].shape), np.uint8)
            room = batch[place]
        if room is not None and images[i] is not room and images[i].shape == room.shape:
            room[:] = images[i]
    assert batch is not None
    alike = all(image.shape == batch.shape[1:] for image in images.values())
    return batch if alike else [images[i] for i in wanted]


def decode(data: bytes, room: Image | None = None) -> Image:
    """(H, W, 3) uint8 RGB, exactly as Pillow gives it; in `room` if that has the right shape.

    Raises OSError or ValueError for what is not an image, damaged, or too large to be one in good faith.
    """
    image = _jpeg(data, room) if data.startswith(JPEG) else None
    return _any(data) if image is None else image


def _jpeg(data: bytes, room: Image | None) -> Image | None:
    """The pixels of an ordinary colour JPEG, decoded without Pillow's detours; None for Pillow's cases."""
    import simplejpeg
    from PIL import Image as pillow

    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
        if colours != "YCbCr" or height * width > (pillow.MAX_IMAGE_PIXELS or 0):
            return None
        fits = room is not None and room.shape == (height, width, 3)
        image: Image = simplejpeg.decode_jpeg(data, buffer=room if fits else None)
    except ValueError:  # damaged, or of a kind that is rare: Pillow decides
        return None
    return room if fits and room is not None else image


def _any(data: bytes) -> Image:
    import numpy as np
    from PIL import Image as pillow
    from PIL import UnidentifiedImageError

    try:
        with pillow.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB"))
    except UnidentifiedImageError:
        raise ValueError("it is not an image of a known kind") from None
    except OSError:
        raise
    except Exception as error:  # Pillow's parsers raise whatever a damaged file leads them to
        raise ValueError(f"{type(error).__name__}: {error}") from error
