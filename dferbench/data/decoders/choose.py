"""Which reader reads which video, and which one did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from dferbench.data.decoders import animation, decord, folder, pack, pyav
from dferbench.data.decoders.faults import read_by
from dferbench.data.decoders.frames import Choose, Frames, Reader
from dferbench.errors import UnknownName

Build = Callable[[], Reader]

DECODERS: dict[str, Build] = {
    "decord": decord.build,
    "pyav": pyav.build,
    "folder": folder.build,
    "pack": pack.build,
    "animation": animation.build,
}
"""The host's own readers by name."""


AUTO = "pyav"
"""The reader of video files where none is asked for: the same on every platform."""


@dataclass(frozen=True)
class Decoder:
    """Reads folders as frame images, packed videos from their pack, animated WebP with Pillow, and other
    files with the reader `name`.

    It can be pickled as long as the builders can: readers are built in the process that reads, for one that
    was opened before a fork hangs after it.
    """

    builds: Mapping[str, Build]
    name: str = AUTO
    order: str = "natural"
    """Of the images in a folder: see `dferbench.Input`."""

    def in_order(self, order: str) -> Decoder:
        """The same decoder for another order of a folder's images."""
        if order == self.order:
            return self
        return replace(self, builds={**self.builds, "folder": partial(folder.build, order)}, order=order)

    def read(self, path: str, choose: Choose) -> tuple[Frames, str]:
        """The chosen frames, uint8 RGB (T, H, W, 3) or a list of (H, W, 3), and the name of their reader.

        Raises VideoError for whatever the reader raises.
        """
        name = self._reader_of(path)
        return read_by(_built(self.builds[name]), path, choose), name

    def _reader_of(self, path: str) -> str:
        """The reader for what the path is."""
        if pack.is_packed(path):
            return "pack"
        if Path(path).is_dir():
            return "folder"
        return "animation" if animation.is_animation(path) else self.name


def choose_decoder(name: str = "auto", builds: Mapping[str, Build] = DECODERS) -> Decoder:
    """The decoder that reads video files with the reader of that name; "auto" is PyAV.

    `builds` are all readers there are. Raises UnknownName, or ConfigError for one that is not installed.
    """
    if name == "auto":
        return Decoder(builds)
    if name not in builds:
        raise UnknownName("decoder", name, ["auto", *builds])
    _built(builds[name])
    return Decoder(builds, name)


@cache
def _built(build: Build) -> Reader:
    return build()
