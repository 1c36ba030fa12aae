"""Drawn videos in the forms of official releases, for tests and for trying things without the data."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dferbench.data.marks import DRAWN
from dferbench.files import write_atomic

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE = 25
"""Frames a second."""


def scaled(totals: Mapping[str, int], scale: float, least: int) -> dict[str, int]:
    """`scale` times each class's number of videos, rounded, but at least `least`."""
    return {name: max(least, round(count * scale)) for name, count in totals.items()}


def shuffled_labels(counts: Mapping[str, int], seed: int = 0) -> list[str]:
    """Each class name as often as it counts, in an order that depends on the seed alone."""
    labels = [name for name, count in counts.items() for _ in range(count)]
    random.Random(f"release {seed}").shuffle(labels)
    return labels


def lengths() -> Iterator[int]:
    """Numbers of frames without end, on both sides of every border of the samplers: 16 and 32."""
    return cycle((33, 16, 20, 11, 40, 17, 31, 48))


def write_frames(
    folder: Path, frames: NDArray[np.uint8], names: Sequence[str], size: int | None = None
) -> None:
    """Write frames (T, H, W, 3) under the given names, whose suffixes tell the format; `size` resizes.

    Every image says in a comment that it was drawn.
    """
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    said = PngInfo()
    said.add_text("Comment", DRAWN)

    folder.mkdir(parents=True, exist_ok=True)
    for frame, name in zip(frames, names, strict=True):
        image = Image.fromarray(frame)
        if size is not None and image.size != (size, size):
            image = image.resize((size, size), Image.Resampling.BILINEAR)
        png: dict[str, Any] = {"format": "PNG", "compress_level": 1, "pnginfo": said}
        jpeg: dict[str, Any] = {"quality": 90, "comment": DRAWN}
        image.save(folder / name, **(png if name.lower().endswith("png") else jpeg))


def write_video(path: Path, frames: NDArray[np.uint8], codec: str = "libx264") -> None:
    """Write frames (T, H, W, 3), H and W even, as a video file of the suffix's container.

    A comment in it says that it was drawn.
    """
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format=path.suffix[1:].lower()) as container:
        container.metadata["comment"] = DRAWN
        options = {"preset": "ultrafast"} if codec == "libx264" else {}
        stream: Any = container.add_stream(codec, rate=RATE, options=options)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode())
    write_atomic(path, buffer.getvalue())


def write_table(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    """Write rows as the only sheet of an .xlsx file."""
    import openpyxl

    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    buffer = io.BytesIO()
    book.save(buffer)
    write_atomic(path, buffer.getvalue())
