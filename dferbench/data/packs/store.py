"""The LMDB file of a pack while it is written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import lmdb

from dferbench.data.decoders.pack import FILE, Value, forget, key_of, open_to_read, read_value
from dferbench.errors import ConfigError, DferbenchError

BATCH = 64 << 20
"""So many bytes are written at a time; a kill loses no more."""
_OWNER = b"made from"


class PackStore:
    """Opens the pack's file or makes it, and writes what is still waiting when it is closed.

    `owner` names what is packed, in one word, and with what options. Raises ConfigError for a pack that was
    begun for something else, and DferbenchError whenever the file cannot be written.
    """

    def __init__(self, pack: Path, owner: str) -> None:
        self._file = f"{pack.as_posix()}/{FILE}"
        self._waiting: dict[bytes, bytes] = {}
        forget(self._file)
        with self._explained():
            pack.mkdir(parents=True, exist_ok=True)
            self._environment: Any = self._open()
        self._write(lambda change: change.put(_OWNER, owner.encode(), overwrite=False))
        with self._environment.begin() as transaction:
            before = transaction.get(_OWNER).decode()
        if before != owner:
            self._environment.close()
            begun = f"{pack} was begun for {before.split()[0]}, or with other options"
            raise ConfigError(begun, "Choose another folder.")

    def _open(self) -> Any:
        size = Path(self._file).stat().st_size if Path(self._file).exists() else 0
        if size:
            open_to_read(self._file).close()
        return lmdb.open(self._file, subdir=False, map_size=2 * max(size, BATCH, 1 << 20), readahead=False)

    def __enter__(self) -> PackStore:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        try:
            self.flush()
        finally:
            self._environment.close()

    @contextmanager
    def value(self, name: str) -> Iterator[Value | None]:
        """The value of a video, valid within the block; None if there is none or it is damaged."""
        with self._environment.begin(buffers=True) as transaction:
            view = transaction.get(key_of(name))
            try:
                found = read_value(view) if view is not None else None
            except ValueError:
                found = None
            yield found

    def put(self, name: str, value: bytes) -> None:
        """Keep a value; it is written with others."""
        self._waiting[key_of(name)] = value
        if sum(map(len, self._waiting.values())) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting."""

        def put_all(change: Any) -> None:
            for key, value in self._waiting.items():
                change.put(key, value)

        if self._waiting:
            self._write(put_all)
            self._waiting.clear()

    def keep_only(self, names: Collection[str]) -> None:
        """Drop every other video."""
        wanted = {key_of(name) for name in names} | {_OWNER}

        def drop(change: Any) -> None:
            for key in [key for key in change.cursor().iternext(values=False) if key not in wanted]:
                change.delete(key)

        self.flush()
        self._write(drop)

    def _write(self, act: Callable[[Any], object]) -> None:
        """Change the file in one transaction, and let it grow as it must."""
        with self._explained():
            while True:
                try:
                    with self._environment.begin(write=True) as change:
                        act(change)
                    return
                except lmdb.MapFullError:
                    self._environment.set_mapsize(2 * self._environment.info()["map_size"])

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (lmdb.Error, OSError, ValueError) as error:
            reason: Any = getattr(error, "strerror", None) or error
            raise DferbenchError(
                f"{self._file} cannot be written ({reason})",
                "Free some space, choose another folder, or remove that file to start again.",
            ) from error
