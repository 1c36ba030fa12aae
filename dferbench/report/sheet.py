"""A contact sheet: what the videos of a dataset look like, one row a video, time from left to right."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from dferbench.data.decoders import choose_decoder
from dferbench.files import write_atomic
from dferbench.types import Dataset, Video

CELL, LABEL = 112, 16


def contact_sheet(dataset: Dataset, root: Path, fold: int, output: Path, frames: int, each: int) -> int:
    """Write the PNG and return how many videos it shows: `each` test videos of every class, `frames` wide.

    Raises DataError, or VideoError for a video that cannot be read.
    """
    videos = list(dataset.videos(root, fold, "test"))
    chosen = [v for label in range(len(dataset.classes)) for v in _first(videos, label, each)]
    sheet = Image.new("RGB", (frames * CELL, len(chosen) * (CELL + LABEL)), "white")
    draw = ImageDraw.Draw(sheet)
    for row, video in enumerate(chosen):
        top = row * (CELL + LABEL)
        draw.text((2, top + 2), f"{dataset.classes[video.label]}  {video.id}", fill="black")
        sheet.paste(strip(video, frames), (0, top + LABEL))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    write_atomic(output, buffer.getvalue())
    return len(chosen)


def _first(videos: list[Video], label: int, each: int) -> list[Video]:
    return [video for video in videos if video.label == label][:each]


def strip(video: Video, frames: int) -> Image.Image:
    """So many frames of a video at even distances, next to each other. Raises VideoError."""

    def evenly(count: int) -> list[int]:
        return [round(i) for i in np.linspace(0, count - 1, frames)]

    found, _ = choose_decoder().read(video.path, evenly)
    row = Image.new("RGB", (frames * CELL, CELL), "white")
    for column, frame in enumerate(found):
        row.paste(Image.fromarray(frame).resize((CELL, CELL)), (column * CELL, 0))
    return row
