"""Encoded images to pixels: one way for all of them, wherever their bytes lie."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

from dferbench.data.decoders.bounds import require_room, too_large
from dferbench.data.decoders.frames import Frames, Image
from dferbench.errors import VideoError

EXIF, HEAD = b"Exif\0\0", 1 << 16
"""How the metadata begins that may turn an image, and within how many bytes of it."""
JPEG = b"\xff\xd8\xff"
"""How a JPEG begins; what a file is called says nothing."""
ORIENTATION = 0x0112
"""The EXIF tag that says how an image is turned."""
STILL = ("MPO",)
"""Formats in which further pictures show the first one again, as cameras add them to a JPEG."""


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
            require_room(path, images[i].shape[1], images[i].shape[0], len(wanted))
        if batch is None:
            batch = np.empty((len(wanted), *images[i].shape), np.uint8)
            room = batch[place]
        if room is not None and images[i] is not room and images[i].shape == room.shape:
            room[:] = images[i]
    assert batch is not None
    alike = all(image.shape == batch.shape[1:] for image in images.values())
    return batch if alike else [images[i] for i in wanted]


def decode(data: bytes, room: Image | None = None) -> Image:
    """(H, W, 3) uint8 RGB as Pillow gives it, turned as its EXIF says; in `room` if that has the right shape.

    Of 16 bits per channel the upper eight are kept. Raises OSError or ValueError for what is not an image,
    is an animation, damaged, or too large to be one in good faith, or has values of no known range.
    """
    image = _jpeg(data, room) if data.startswith(JPEG) else None
    return _any(data) if image is None else image


def _jpeg(data: bytes, room: Image | None) -> Image | None:
    """The pixels of an ordinary colour JPEG, decoded without Pillow's detours; None for Pillow's cases."""
    import simplejpeg

    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
        if colours != "YCbCr" or data.find(EXIF, 0, HEAD) >= 0 or too_large(width, height):
            return None
        fits = room is not None and room.shape == (height, width, 3)
        image: Image = simplejpeg.decode_jpeg(data, buffer=room if fits else None)
    except ValueError:  # damaged, or of a kind that is rare: Pillow decides
        return None
    return room if fits and room is not None else image


def _rgb(image: Any) -> Any:
    """A Pillow image as 8-bit RGB, upright. Raises ValueError where that would be a guess."""
    import numpy as np
    from PIL import Image as pillow
    from PIL import ImageOps

    if getattr(image, "n_frames", 1) > 1 and image.format not in STILL:
        raise ValueError(f"it is an animation of {image.n_frames} pictures, not a frame")
    is_png = image.format == "PNG"  # whose numbers have 16 bits, however Pillow calls them
    if image.getexif().get(ORIENTATION, 1) != 1:
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16") or (image.mode == "I" and is_png):
        # Pillow would cut off what is above 255; of 16-bit colours it keeps the upper eight bits.
        image = pillow.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError("its values are 32-bit numbers of unknown range: save it with 8 or 16 bits")
    return image.convert("RGB")


def _any(data: bytes) -> Image:
    import numpy as np
    from PIL import Image as pillow
    from PIL import UnidentifiedImageError

    try:
        with pillow.open(io.BytesIO(data)) as image:
            if reason := too_large(*image.size):
                raise ValueError(reason)
            return np.asarray(_rgb(image))
    except UnidentifiedImageError:
        raise ValueError("it is not an image of a known kind") from None
    except (OSError, ValueError):
        raise
    except Exception as error:  # Pillow's parsers raise whatever a damaged file leads them to
        raise ValueError(f"{type(error).__name__}: {error}") from error
