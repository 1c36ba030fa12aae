"""Packed videos: all frames of a video are one value of an LMDB file, and any of them is read on its own.

A value begins with a table: MAGIC, the number of frames (uint32), what it was made from (a fingerprint of 32
bytes), then the size in bytes and the CRC-32 of each frame (uint32 each). Then come the encoded frames. All
numbers are little-endian; the key is the sha256 of the video's name.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dferbench.data.decoders.frames import Choose, Frames, Reader, choose_from
from dferbench.data.decoders.images import read_images
from dferbench.errors import VideoError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILE = "frames.mdb"
MAGIC = b"DFP1"
_SEPARATOR = f"/{FILE}::"
_HEAD = 40


def packed_path(pack: Path, name: str) -> str:
    """What stands for a video of a pack where the path of a file or folder is expected."""
    return f"{pack.as_posix()}{_SEPARATOR}{name}"


def is_packed(path: str) -> bool:
    """Whether a path means a video of a pack."""
    return _SEPARATOR in path


def key_of(name: str) -> bytes:
    """The key of a video; LMDB's may not be longer than 511 bytes."""
    return hashlib.sha256(name.encode()).digest()


@dataclass(frozen=True)
class Value:
    """One packed video: its `view` of memory that the pack owns, and what its table says."""

    view: memoryview
    fingerprint: str
    ends: NDArray[np.uint64]
    sums: NDArray[np.uint32]

    @property
    def frames(self) -> int:
        """How many frames it has."""
        return len(self.sums)

    def image(self, number: int) -> bytes:
        """A frame's encoded bytes. Raises ValueError if they are not those that were packed."""
        start = self.ends[number - 1] if number else _HEAD + 8 * self.frames
        data = bytes(self.view[int(start) : int(self.ends[number])])
        if zlib.crc32(data) != self.sums[number]:
            raise ValueError("the pack is damaged here")
        return data


def write_value(images: Sequence[bytes], fingerprint: str) -> bytes:
    """The value of a video whose frames are encoded as `images`."""
    import numpy as np

    table = np.array([(len(image), zlib.crc32(image)) for image in images], "<u4")
    head = MAGIC + len(images).to_bytes(4, "little") + bytes.fromhex(fingerprint)
    return b"".join([head, table.tobytes(), *images])


def read_value(view: memoryview) -> Value:
    """The table of a value, checked. Raises ValueError if it does not fit the value."""
    import numpy as np

    count = int.from_bytes(view[4:8], "little")
    start = _HEAD + 8 * count
    if view[:4] != MAGIC or not count or start > len(view):
        raise ValueError("the pack is damaged: no table of frames where one should be")
    table = np.frombuffer(view, "<u4", 2 * count, _HEAD).reshape(count, 2)
    ends = start + table[:, 0].cumsum(dtype=np.uint64)
    if ends[-1] != len(view):
        raise ValueError("the pack is damaged: frames are missing")
    return Value(view, bytes(view[8:_HEAD]).hex(), ends, table[:, 1])


def build() -> Reader:
    """Reads frames from a pack: one file for a whole dataset, as dferbench data pack writes it."""
    return read


def read(path: str, choose: Choose) -> Frames:
    """The chosen frames as `read_images` gives them; no other frame is touched. Raises VideoError."""
    with _value(path) as value:
        wanted = choose_from(value.frames, choose)
        return read_images(path, wanted, value.image, lambda i: f"number {i}")


def fingerprint(path: str) -> str:
    """64 hex digits over what a packed video was made from. Raises VideoError."""
    with _value(path) as value:
        return value.fingerprint


@contextmanager
def _value(path: str) -> Iterator[Value]:
    """The value of a packed video, valid within the block. Raises VideoError."""
    import lmdb

    pack, _, name = path.partition(_SEPARATOR)
    try:
        transaction = _opened(f"{pack}/{FILE}").begin(buffers=True)
        view = transaction.get(key_of(name))
        value = read_value(view) if view is not None else None
    except (lmdb.Error, OSError, ValueError) as error:
        raise VideoError(path, f"the pack cannot be read ({error})") from error
    if value is None:
        raise VideoError(path, "the pack does not hold it: it could not be read when the pack was made")
    with transaction:
        yield value


@dataclass(frozen=True)
class _Opened:
    """An environment, the process that opened it, and which file it is, whatever lies at its path now."""

    environment: Any
    process: int
    file: tuple[int, int]


_open: dict[str, _Opened] = {}


def _opened(file: str) -> Any:
    """The pack's environment, opened once in each process. Raises lmdb.Error, OSError or ValueError."""
    found = _open.get(file)
    if found is None or found.process != os.getpid() or found.file != _identity(file):
        forget(file)
        found = _open[file] = _Opened(open_to_read(file), os.getpid(), _identity(file))
    return found.environment


def _identity(file: str) -> tuple[int, int]:
    """Device and inode, which a file that is replaced does not keep; zeros where there is none."""
    try:
        facts = Path(file).stat()
    except OSError:
        return (0, 0)
    return (facts.st_dev, facts.st_ino)


def open_to_read(file: str) -> Any:
    """The LMDB environment of a pack's file. Raises lmdb.Error, OSError, or ValueError if it is cut short."""
    import lmdb

    if not Path(file).stat().st_size:
        raise ValueError("the file is empty")
    environment = lmdb.open(file, subdir=False, readonly=True, lock=False, readahead=False, create=False)
    # Memory behind the end of a file cannot be read without the process being killed for it.
    whole = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    if Path(file).stat().st_size < whole:
        environment.close()
        raise ValueError("the file is cut short")
    return environment


def forget(file: str) -> None:
    """Close a pack that this process has read, so that it can be written, and those that are no more.

    LMDB tells files apart by their inodes, and that of a removed lock file may be another file's by now. What
    a fork inherits is closed likewise: what one process opened, no other may use.
    """
    for path, found in list(_open.items()):
        if path == file or found.file != _identity(path):
            _open.pop(path).environment.close()
