"""How much memory a video may ask for: checked before its pixels are made, for every reader alike.

A file of 200 kB can state frames of 8192 x 8192 pixels, and sixteen of them, decoded and stacked, take more
memory than most machines have for one process.
"""

from __future__ import annotations

from dferbench.errors import VideoError

FRAME = 36_000_000
"""Pixels of a frame at most; 8K video (7680 x 4320) has 33 million."""
HELD = 256_000_000
"""Pixels of the frames of a video that are held together, at most: 30 of 4K video (3840 x 2160)."""
IMAGE_BYTES = 1 << 28
"""Bytes of the file of one frame, at most: more than 36 million pixels take without compression."""


def too_large(width: float, height: float) -> str:
    """Why a frame of such a size is not decoded; empty if it is."""
    if width * height <= FRAME:
        return ""
    return f"its frames of {width:.0f} x {height:.0f} pixels are larger than those of 8K video"


def require_frame(path: str, width: float, height: float) -> None:
    """Raises VideoError for a frame that is too large to be decoded."""
    if reason := too_large(width, height):
        raise VideoError(path, reason)


def require_room(path: str, width: int, height: int, frames: int) -> None:
    """Raises VideoError if so many frames of such a size are too many to be held together."""
    require_frame(path, width, height)
    gigabytes = 3e-9 * frames * width * height
    if gigabytes > 3e-9 * HELD:
        raise VideoError(
            path,
            f"{frames} frames of {width} x {height} pixels would take {gigabytes:.1f} GB, more than the "
            f"{3e-9 * HELD:.1f} GB that the frames of a video may; reduce its size first",
        )
