"""Where features are kept: in the user's cache, or on a disk of this machine if the cache is on a network.

LMDB maps its file into memory, and a network file system does not keep such maps the same on all machines.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from dferbench.errors import ConfigError
from dferbench.files import expand
from dferbench.machine.mounts import SHARED, filesystem
from dferbench.places import cache_folder

SETTING = "DFERBENCH_FEATURES"
"""The environment variable that names the folder."""


def home(kind: Callable[[Path], str] = filesystem) -> Path:
    """The folder of all stores; `kind` tells a path's file system.

    That is $DFERBENCH_FEATURES; or `features` in the user's cache; or, if that is on a network, a folder of
    the user in the temporary folder that the scheduler made for the job, or else in the machine's.
    """
    if stated := os.environ.get(SETTING):
        return expand(stated)
    usual = cache_folder() / "features"
    return usual if kind(usual) not in SHARED else _temporary() / "features"


def require_local(folder: Path, kind: Callable[[Path], str] = filesystem) -> None:
    """Raise ConfigError for a folder on a network, and for one in which another user could put features."""
    if (found := kind(folder)) in SHARED:
        raise ConfigError(
            f"{folder} is on a network ({found}), where several machines cannot map one file into memory",
            f"Set {SETTING} to a folder on a disk of this machine.",
        )
    if folder.parent == _temporary():
        _require_own(folder.parent)


def _temporary() -> Path:
    """This user's own folder among the temporary ones; SLURM_TMPDIR lasts as long as its job."""
    above = os.environ.get("SLURM_TMPDIR") or tempfile.gettempdir()
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return Path(above) / f"dferbench-{user}"


def _require_own(folder: Path) -> None:
    """Make the folder for this user alone. Raises ConfigError if it is there and somebody else's."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be made ({error.strerror or error})", f"Set {SETTING} to another folder."
        ) from error
    if hasattr(os, "getuid") and (found.st_uid != os.getuid() or found.st_mode & 0o022):
        raise ConfigError(
            f"{folder} can be written by other users", f"Set {SETTING} to a folder of your own."
        )
