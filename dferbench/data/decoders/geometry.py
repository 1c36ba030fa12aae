"""How a picture is stored and how it is shown: turned, mirrored, with pixels that are not square.

Every reader of video files asks here, so that one video looks the same to every command. Where the two are
not the same, the frames that dferbench gives are the shown ones, as players and FFmpeg's own tools show them.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from dferbench.data.decoders.frames import Image
from dferbench.errors import VideoError

ONE = 1 << 16
"""1.0 in the fixed-point numbers of a display matrix."""
WIDEST = 8
"""How many times as wide as high, or as high as wide, pixels may be; anamorphic video stays below 2.4."""
SQUARE = Fraction(1)


@dataclass(frozen=True)
class Geometry:
    """From the stored picture to the shown one, in this order: each stored pixel is `pixel` times as wide as
    it is high, then rows and columns change places, then left and right, then top and bottom do."""

    pixel: Fraction = SQUARE
    transposed: bool = False
    mirrored: bool = False
    upside_down: bool = False

    def show(self, image: Image) -> Image:
        """A stored picture (H, W, 3) as it is shown, uint8; the same array if nothing is to be done."""
        image = _with_square_pixels(image, self.pixel)
        if self.transposed:
            image = image.swapaxes(0, 1)
        return image[:: -1 if self.upside_down else 1, :: -1 if self.mirrored else 1]


PLAIN = Geometry()
"""Shown as stored."""


def geometry_of(path: str, pixel: Fraction, frame: Any) -> Geometry:
    """The geometry of a frame that PyAV decoded from a stream with such pixels.

    Raises VideoError for what is neither a quarter turn nor a mirror image.
    """
    return Geometry(pixel, *_turn(path, _matrix(frame)))


def pixel_of(path: str, stream: Any) -> Fraction:
    """The sample aspect ratio, width over height; files that state none mean square pixels.

    A stream must not be asked once its file is closed. Raises VideoError for absurd pixels.
    """
    stated = stream.sample_aspect_ratio
    if not stated:
        return SQUARE
    pixel = Fraction(stated.numerator, stated.denominator)
    if not 1 / WIDEST <= pixel <= WIDEST:
        raise VideoError(path, f"it states pixels {float(pixel):.3g} times as wide as high")
    return pixel


def _matrix(frame: Any) -> bytes:
    """The display matrix: nine little-endian int32 by rows; empty where there is none."""
    found = frame.side_data.get("DISPLAYMATRIX")
    return bytes(found) if found else b""


def _turn(path: str, matrix: bytes) -> tuple[bool, bool, bool]:
    """Whether a display matrix transposes, then mirrors, then turns upside down.

    A stored pixel (x, y) is shown at (a x + c y, b x + d y), where the matrix's rows begin a b, c d. Raises
    VideoError where both or neither of a and b count, that is, for other turns than by quarters.
    """
    if not matrix:
        return False, False, False
    a, b, _, c, d = (int.from_bytes(matrix[i : i + 4], "little", signed=True) for i in range(0, 20, 4))
    near = ONE // 100
    if abs(b) <= near >= abs(c) and min(abs(a), abs(d)) > near:
        return False, a < 0, d < 0
    if abs(a) <= near >= abs(d) and min(abs(b), abs(c)) > near:
        return True, c < 0, b < 0
    raise VideoError(path, "it is to be shown turned by less than a quarter turn, or distorted")


def _with_square_pixels(image: Image, pixel: Fraction) -> Image:
    """As high as stored, and as wide as shown (bicubic)."""
    import numpy as np
    from PIL import Image as pillow

    height, width = image.shape[:2]
    shown = max(1, round(width * pixel))
    if shown == width:
        return image
    return np.asarray(pillow.fromarray(image).resize((shown, height), pillow.Resampling.BICUBIC))
