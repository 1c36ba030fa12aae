"""Which reader reads which video, and which one did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dferbench.data.decoders import animation, decord, folder, pack, pyav
from dferbench.data.decoders.frames import Choose, Frames, Reader
from dferbench.errors import UnknownName, VideoError

Build = Callable[[], Reader]

DECODERS: dict[str, Build] = {
    "decord": decord.build,
    "pyav": pyav.build,
    "folder": folder.build,
    "pack": pack.build,
    "animation": animation.build,
}
"""The host's own readers by name."""


@dataclass(frozen=True)
class Decoder:
    """Reads folders as frame images, packed videos from their pack, animated WebP with Pillow, and other
    files with the first of `names` that can.

    It can be pickled as long as the builders can: readers are built in the process that reads, for one that
    was opened before a fork hangs after it.
    """

    builds: Mapping[str, Build]
    names: tuple[str, ...]

    def read(self, path: str, choose: Choose) -> tuple[Frames, str]:
        """The chosen frames, uint8 RGB (T, H, W, 3) or a list of (H, W, 3), and the name of their reader.

        Raises VideoError with the reason of the last reader that was tried.
        """
        names = self._names(path)
        for name in names[:-1]:
            try:
                return _built(self.builds[name])(path, choose), name
            except VideoError:
                continue
        return _built(self.builds[names[-1]])(path, choose), names[-1]

    def _names(self, path: str) -> tuple[str, ...]:
        """The readers to try."""
        if pack.is_packed(path):
            return ("pack",)
        if Path(path).is_dir():
            return ("folder",)
        return ("animation",) if animation.is_animation(path) else self.names


def choose_decoder(name: str = "auto", builds: Mapping[str, Build] = DECODERS) -> Decoder:
    """The decoder of that name, alone; "auto" is decord where it is installed, then PyAV.

    `builds` are all readers there are. Raises UnknownName, or ConfigError for one that is not installed.
    """
    if name == "auto":
        return Decoder(builds, ("decord", "pyav") if decord.installed() else ("pyav",))
    if name not in builds:
        raise UnknownName("decoder", name, ["auto", *builds])
    _built(builds[name])
    return Decoder(builds, (name,))


@cache
def _built(build: Build) -> Reader:
    return build()
