"""Folders of frame images: the form in which face crops are distributed."""

from __future__ import annotations

import errno
import io
import os

from dferbench.data.decoders.bounds import IMAGE_BYTES
from dferbench.data.decoders.endings import IMAGES
from dferbench.data.decoders.frame_names import doubled, in_order
from dferbench.data.decoders.frames import Choose, Frames, Reader, choose_from
from dferbench.data.decoders.images import read_images
from dferbench.errors import VideoError


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
        """The chosen images as uint8 RGB, turned as their EXIF says.

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


def image_bytes(path: str, name: str) -> bytes:
    """An image file as it lies in the folder. Raises OSError."""
    with io.FileIO(f"{path}/{name}") as file:
        if os.fstat(file.fileno()).st_size > IMAGE_BYTES:
            raise OSError(errno.EFBIG, f"the file is larger than {IMAGE_BYTES >> 20} MiB")
        return file.readall()


def listed(path: str, order: str = "natural") -> list[str]:
    """The names of a folder's images in the order of their frames, or as text for `order` "string".

    Raises VideoError if there are none, and if two are the same frame.
    """
    try:
        with os.scandir(path) as entries:
            names = [e.name for e in entries if e.name.lower().endswith(IMAGES) and e.is_file()]
    except OSError as error:
        raise VideoError(path, f"the folder cannot be listed ({error.strerror})") from error
    # Names that begin with a dot are other systems' leftovers, such as macOS's "._0001.jpg".
    names = [name for name in names if not name.startswith(".")]
    if not names:
        raise VideoError(path, "the folder holds no images")
    if two := doubled(names):
        raise VideoError(path, f"{two[0]} and {two[1]} look like one frame: keep one of them")
    return sorted(names) if order == "string" else in_order(names)
