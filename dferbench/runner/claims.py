"""One claim a run, so that processes which share a folder share a study: the folder is the queue.

A claim is a lock on a file in `.claims` next to the run's folder (inside it, `--force` would remove it). The
system frees it when its process dies, however it dies; the empty file stays. Where locks do not reach from
one machine to the next, a lease takes its place: its holder renews it, and a minute after that it is free.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from dferbench import exit_codes
from dferbench.errors import ConfigError, DferbenchError
from dferbench.files import write_atomic
from dferbench.machine.mounts import SHARED, filesystem

if TYPE_CHECKING:
    from filelock import FileLock, SoftFileLease

SETTING = "DFERBENCH_CLAIMS"
"""The environment variable that chooses: "lock", "lease" or "auto", a lease on network file systems alone."""
LEASE = 60.0
"""Seconds without a sign of life after which another process may take a run over."""

Lock: TypeAlias = "FileLock | SoftFileLease"


class Busy(DferbenchError):
    """Other processes are at what is left to do; a later call finds it done, or takes it over."""

    exit_code = exit_codes.STOPPED


def busy(folders: Sequence[Path], holder: Holder) -> Busy:
    """The error for runs that others are at, the first of them by `holder`."""
    more = f", and {len(folders) - 1} more runs by it or others" if len(folders) > 1 else ""
    return Busy(
        f"{folders[0]} is being run by {holder}{more}",
        "Run the same command again later: it finds the result, or takes over what was left unfinished.",
    )


@dataclass(frozen=True)
class Holder:
    """The process that a run belongs to; `since` is a time of day with its zone, in ISO 8601."""

    host: str
    pid: int
    since: str

    def __str__(self) -> str:
        since = datetime.fromisoformat(self.since).astimezone() if self.since else None
        began = f", since {since:%Y-%m-%d %H:%M}" if since else ""
        return f"process {self.pid} on {self.host}{began}" if self.host else "another process"


@dataclass
class Claim:
    """A run that was asked for: ours if `holder` is None, until `lost` says that a lease was not renewed."""

    holder: Holder | None = None
    lost: bool = field(default=False)


@contextmanager
def claim(folder: Path) -> Iterator[Claim]:
    """Ask for the run that lies in `folder`, and keep it as long as the block lasts. Never waits.

    Raises DferbenchError if the claim cannot be written and ConfigError for an unknown $DFERBENCH_CLAIMS.
    """
    from filelock import Timeout  # here, as whoever only asks for what is done does without

    made = Claim()
    lock = _lock(folder, made)
    try:
        _file(folder, "lock").parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout:
        made.holder = _read(folder)
        yield made
        return
    except OSError as error:
        raise DferbenchError(
            f"cannot claim the run in {folder}: {error.strerror or error}",
            "Choose an --output that may be written.",
        ) from error
    try:
        write_atomic(_note(folder), json.dumps(asdict(_me())))
        yield made
    finally:
        if not made.lost:
            _note(folder).unlink(missing_ok=True)
        lock.release()


def holder_of(folder: Path) -> Holder | None:
    """The process that is at the run in `folder` now, or None."""
    if not _note(folder).is_file():
        return None
    with claim(folder) as made:
        return made.holder


def _lock(folder: Path, made: Claim) -> Lock:
    """The lock of a run's folder, which is told in `made` when it is lost."""
    from filelock import FileLock, SoftFileLease

    kind = os.environ.get(SETTING, "auto")
    if kind not in ("auto", "lock", "lease"):
        raise ConfigError(f"{SETTING} must be lock, lease or auto, got '{kind}'", f"Unset {SETTING}.")
    if kind == "auto":
        kind = "lease" if filesystem(folder) in SHARED else "lock"
    path = _file(folder, kind)
    if kind == "lock":
        return FileLock(path)
    return SoftFileLease(path, lease_duration=LEASE, on_compromise=lambda _: setattr(made, "lost", True))


def _note(folder: Path) -> Path:
    """Where the holder says who it is; whoever only tries a lock may empty its file."""
    return _file(folder, "json")


def _file(folder: Path, ending: str) -> Path:
    return folder.parent / ".claims" / f"{folder.name}.{ending}"


def _me() -> Holder:
    return Holder(
        socket.gethostname(), os.getpid(), datetime.now().astimezone().isoformat(timespec="seconds")
    )


def _read(folder: Path) -> Holder:
    try:
        found = json.loads(_note(folder).read_bytes())
        return Holder(
            str(found["host"]), int(found["pid"]), datetime.fromisoformat(found["since"]).isoformat()
        )
    except (OSError, ValueError, KeyError, TypeError):
        return Holder("", 0, "")  # it has just begun or ended
