"""A video as it goes into a pack; this runs in processes of its own."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dferbench.data.decoders import stream
from dferbench.data.decoders.folder import image_bytes, listed
from dferbench.data.decoders.pack import write_value
from dferbench.data.packs.source import fingerprint
from dferbench.errors import VideoError
from dferbench.files import digest


@dataclass(frozen=True)
class Encoded:
    """The value of a video, how many frames it has, and the fingerprint of its files."""

    value: bytes
    frames: int
    source: str


def encode_video(path: str, quality: int) -> Encoded:
    """A video as the value of a pack: the files of a folder as they are, the frames of a video as JPEG.

    Raises VideoError.
    """
    # Before reading: what changes from now on makes the pack stale.
    source = fingerprint(path)
    whole_files = Path(path).is_dir()
    images = list(_files(path) if whole_files else _jpegs(path, quality))
    return Encoded(write_value(images, made_from(path, source, quality)), len(images), source)


def made_from(path: str, source: str, quality: int) -> str:
    """What a value says that it was made from: the files, and for the frames of a video how."""
    return source if Path(path).is_dir() else digest([source, quality])


def how(quality: int) -> str:
    """How the frames of video files are encoded, in words."""
    return f"frames of video files as JPEG, quality {quality}, 4:2:0"


def _files(path: str) -> Iterator[bytes]:
    for name in listed(path):
        try:
            yield image_bytes(path, name)
        except OSError as error:
            raise VideoError(path, f"its frame {name} cannot be read ({error.strerror})") from error


def _jpegs(path: str, quality: int) -> Iterator[bytes]:
    from PIL import Image

    for frame in stream(path):
        file = io.BytesIO()
        Image.fromarray(frame.image()).save(file, "JPEG", quality=quality, subsampling="4:2:0")
        yield file.getvalue()
