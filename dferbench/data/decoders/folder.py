"""Folders of frame images: the form in which face crops are distributed."""

from __future__ import annotations

import io
import os
import re

from dferbench.data.decoders.frames import Choose, Frames, Reader, choose_from
from dferbench.data.decoders.images import read_images
from dferbench.errors import VideoError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
_DIGITS = re.compile(r"([0-9]+)")


def build(order: str = "natural") -> Reader:
    """Reads folders of frame images, numbered or named in order; each folder is listed once."""
    return FrameFolders(order).read


class FrameFolders:
    """Reads frame images, and remembers which there are. `order` is as in `listed`."""

    def __init__(self, order: str = "natural") -> None:
        self._order = order
        # One text a folder: a million names as separate strings would take 60 MB in every worker.
        self._listings: dict[str, str] = {}

    def read(self, path: str, choose: Choose) -> Frames:
        """The chosen images as uint8 RGB; EXIF rotation is ignored.

        (T, H, W, 3), or a list of (H, W, 3) if their sizes differ. Only the chosen images are opened.
        Raises VideoError for a missing or empty folder, or a chosen image that cannot be read.
        """
        names = self._names(path)
        wanted = choose_from(len(names), choose)
        return read_images(path, wanted, lambda i: image_bytes(path, names[i]), lambda i: names[i])

    def _names(self, path: str) -> list[str]:
        if path not in self._listings:
            self._listings[path] = "/".join(listed(path, self._order))
        return self._listings[path].split("/")


def natural_order(name: str) -> list[tuple[int, str]]:
    """A sort key under which frame2 comes before frame10, and upper case does not matter."""
    pieces = _DIGITS.split(name.lower())
    return [(int(piece), "") if i % 2 else (-1, piece) for i, piece in enumerate(pieces)]


def image_bytes(path: str, name: str) -> bytes:
    """An image file as it lies in the folder. Raises OSError."""
    with io.FileIO(f"{path}/{name}") as file:
        return file.readall()


def listed(path: str, order: str = "natural") -> list[str]:
    """The names of a folder's images: in natural order (1, 2, 10), or for `order` "string" in that of their
    characters (1, 10, 2). Raises VideoError if there are none."""
    try:
        with os.scandir(path) as entries:
            names = [e.name for e in entries if e.name.lower().endswith(SUFFIXES) and e.is_file()]
    except OSError as error:
        raise VideoError(path, f"the folder cannot be listed ({error.strerror})") from error
    # Names that begin with a dot are other systems' leftovers, such as macOS's "._0001.jpg".
    names = [name for name in names if not name.startswith(".")]
    if not names:
        raise VideoError(path, "the folder holds no images")
    return sorted(names, key=None if order == "string" else lambda name: (natural_order(name), name))
