"""The processor cores that this process may use, and how many processes may read videos for it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeAlias

from dferbench.errors import ConfigError

SETTING = "DFERBENCH_CORES"
"""The environment variable that says how many cores there are; of several jobs each is told its share."""
MOST_READERS = 8
"""Each reader keeps two batches in shared memory, and eight of them read more than one device trains on."""
MEMBERSHIP, MOUNTED = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
Number: TypeAlias = "int | Literal['auto']"


def cores() -> int:
    """How many cores this process may use, at least 1: $DFERBENCH_CORES, else what its CPU affinity and the
    quota of its control groups allow. Raises ConfigError for a $DFERBENCH_CORES that is not a number."""
    if given := os.environ.get(SETTING):
        if not given.isdecimal() or not int(given):
            raise ConfigError(
                f"{SETTING} must be a whole number from 1 on, got '{given}'", f"Unset {SETTING}."
            )
        return int(given)
    return max(1, min(_allowed(), int(quota() or _allowed())))


def _allowed() -> int:
    """The cores of the affinity, which schedulers and taskset set; where there is none, all of them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def quota(membership: Path = MEMBERSHIP, mounted: Path = MOUNTED) -> float | None:
    """The cores' worth of time that the control groups of this process allow it; None if they set no limit.

    A container's limit is such a quota, which leaves the affinity as it is. Source: cgroups(7), `cpu.max` of
    version 2 and `cpu.cfs_quota_us` of version 1; the least of a group and all groups around it counts.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return None
    found: list[float] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            found += filter(None, map(_of_version_2, _upwards(mounted, path)))
        elif "cpu" in controllers.split(","):
            found += filter(None, map(_of_version_1, _upwards(mounted / controllers, path)))
            found += filter(None, map(_of_version_1, _upwards(mounted / "cpu", path)))
    return min(found, default=None)


def _upwards(root: Path, path: str) -> Iterator[Path]:
    """The folder of a group, of the group around it, and so on; inside a container only the root is there."""
    folder = root / path.strip("/")
    yield folder
    while folder != root and folder.is_relative_to(root):
        folder = folder.parent
        yield folder


def _of_version_2(folder: Path) -> float | None:
    words = _words(folder / "cpu.max")
    return _cores(*words) if len(words) == 2 else None


def _of_version_1(folder: Path) -> float | None:
    words = [*_words(folder / "cpu.cfs_quota_us"), *_words(folder / "cpu.cfs_period_us")]
    return _cores(*words) if len(words) == 2 else None


def _cores(time: str, period: str) -> float | None:
    """ "max" and -1 say that there is no limit."""
    return int(time) / int(period) if time.isdecimal() and period.isdecimal() and int(period) else None


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []


def readers(asked: Number, videos: int, batch: int, processes: int = 1) -> int:
    """How many processes read `videos` in batches of `batch`, for one of the `processes` of a run: as many as
    asked for, or one a core, of which each process of the run has its share.

    Readers that are ahead sleep, so the core that trains needs none kept free; one that has no batch to read
    only takes time to start. Even one core has a reader: it waits for the disk while the core computes, and a
    video that makes it crash or hang does not end the run's process.
    """
    if asked != "auto":
        return asked
    return max(1, min(cores() // processes, MOST_READERS, math.ceil(videos / batch)))
