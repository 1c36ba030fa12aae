"""What frozen parts made of videos, on disk for later runs: bytes by key, checksummed, bounded. No torch.

Each store is an LMDB environment in a folder of its own, opened for as long as it is read or written and no
longer, so that several processes may use it, and fork between.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dferbench.errors import ConfigError, DferbenchError
from dferbench.feature_cache.place import home as home
from dferbench.files import digest, to_json, write_atomic

VARIABLE = "DFERBENCH_FEATURES_GB"
DATA, ABOUT = "data.mdb", "about.json"
_PAGE = 4096
_GONE = ".gone-"


def bound() -> int:
    """How many bytes all stores together may take, from $DFERBENCH_FEATURES_GB. Raises ConfigError."""
    text = os.environ.get(VARIABLE) or "10"
    try:
        gigabytes = float(text)
    except ValueError:
        gigabytes = math.nan
    if not 0 <= gigabytes < math.inf:
        raise ConfigError(f"${VARIABLE} is '{text}'", "Give a number of gigabytes; 0 keeps nothing on disk.")
    return int(gigabytes * 1e9)


@dataclass(frozen=True)
class Kept:
    """A value as it was found, and whether it is whole: its checksum holds."""

    content: bytes
    whole: bool


@dataclass(frozen=True)
class Store:
    """The values of one kind; nothing is on disk before the first is written."""

    folder: Path

    @property
    def about(self) -> dict[str, Any]:
        """What it holds, as `store_of` was told; empty if the folder does not say."""
        try:
            return dict(json.loads((self.folder / ABOUT).read_bytes()))
        except (OSError, ValueError):
            return {}

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return _facts(self.folder / DATA, "st_size")

    @property
    def used(self) -> int:
        """When it was last read or written, in nanoseconds since 1970."""
        return _facts(self.folder / ABOUT, "st_mtime_ns")

    def values(self, keys: Iterable[bytes]) -> Iterator[Kept | None]:
        """The value of each key, None where there is none. Raises DferbenchError if the file is damaged."""
        if not self.size:
            yield from (None for _ in keys)
            return
        self._touch()
        with self._opened() as environment, environment.begin() as transaction:
            for key in keys:
                value = transaction.get(key)
                yield None if value is None else _checked(value)

    def every(self) -> Iterator[Kept]:
        """All values. Raises DferbenchError if the file is damaged."""
        if self.size:
            with self._opened() as environment, environment.begin() as transaction:
                for value in transaction.cursor().iternext(keys=False):
                    yield _checked(value)

    def count(self) -> int:
        """How many values there are. Raises DferbenchError if the file is damaged."""
        if not self.size:
            return 0
        with self._opened() as environment:
            return int(environment.stat()["entries"])

    def write(self, values: Mapping[bytes, bytes], about: Mapping[str, Any]) -> None:
        """Keep the values in one transaction. Raises DferbenchError if they cannot be written."""
        write_atomic(self.folder / ABOUT, to_json(dict(about)))
        with self._opened(write=True) as environment:
            environment.reader_check()  # readers that were killed would keep old pages from being used again
            with environment.begin(write=True) as change:
                for key, value in values.items():
                    change.put(key, zlib.crc32(value).to_bytes(4, "little") + value)

    def make_room(self, need: int) -> None:
        """Remove other stores, the least recently used first, until `need` more bytes fit.

        Raises DferbenchError, and removes nothing, if they would not fit even alone.
        """
        if self.size + need > bound():
            raise DferbenchError(
                f"{(self.size + need) / 1e9:.2f} GB of features would exceed the {bound() / 1e9:g} allowed",
                f"${VARIABLE} allows more.",
            )
        others = sorted((s for s in stores() if s != self), key=lambda store: store.used)
        total = self.size + need + sum(store.size for store in others)
        for store in others:
            if total <= bound():
                return
            total -= store.size
            store.drop()

    def drop(self) -> None:
        """Remove it. Raises DferbenchError."""
        with _explained(self.folder, "removed"):
            # Renamed first: nobody who opens it meanwhile finds half of it.
            gone = tempfile.mkdtemp(prefix=_GONE, dir=self.folder.parent)
            with suppress(FileNotFoundError):  # another process was quicker
                self.folder.rename(Path(gone) / self.folder.name)
            shutil.rmtree(gone)

    def _touch(self) -> None:
        with suppress(OSError):
            os.utime(self.folder / ABOUT)

    @contextmanager
    def _opened(self, write: bool = False) -> Iterator[Any]:
        import lmdb

        # The map is address space, not memory; it must hold what others wrote under a larger bound.
        size = -(-max(bound(), self.size, 1 << 20) // _PAGE) * _PAGE
        with (
            _explained(self.folder, "written" if write else "read"),
            lmdb.open(str(self.folder), map_size=size, readonly=not write) as environment,
        ):
            # Memory behind the end of a file cannot be read without the process being killed for it.
            whole = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
            if self.size < whole:
                raise OSError("the file is cut short")
            yield environment


def store_of(about: Mapping[str, Any]) -> Store:
    """The store of exactly this kind: its name is the hash of what it is about."""
    return Store(home() / digest(dict(about))[:16])


def stores() -> list[Store]:
    """All stores there are, damaged ones too."""
    if not home().is_dir():
        return []
    return [Store(path) for path in sorted(home().iterdir()) if path.is_dir() and path.name[0] != "."]


def clear() -> None:
    """Remove every store, and what an interrupted removal left. Raises DferbenchError."""
    for store in stores():
        store.drop()
    for path in home().glob(f"{_GONE}*"):
        shutil.rmtree(path, ignore_errors=True)


def footprint(count: int, size: int) -> int:
    """About how many bytes `count` values of `size` bytes take: large ones fill whole pages, small ones share
    pages that are two thirds full, as are those of the keys."""
    each = -(-(size + 20) // _PAGE) * _PAGE if size > _PAGE // 2 else size * 3 // 2
    return count * (each + 100) + 16 * _PAGE


def _facts(path: Path, name: str) -> int:
    try:
        return int(getattr(path.stat(), name))
    except OSError:
        return 0


def _checked(value: bytes) -> Kept:
    content = value[4:]
    return Kept(content, zlib.crc32(content).to_bytes(4, "little") == value[:4])


@contextmanager
def _explained(folder: Path, done: str) -> Iterator[None]:
    import lmdb

    try:
        yield
    except (lmdb.Error, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DferbenchError(
            f"the features in {folder} cannot be {done} ({reason})",
            f"dferbench cache --clear removes them; ${VARIABLE}=0 does without.",
        ) from error
