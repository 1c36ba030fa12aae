"""How many jobs, and what each of them has: one device, and its part of the cores."""

from __future__ import annotations

import os
from dataclasses import dataclass

from dferbench.errors import ConfigError
from dferbench.machine import visible
from dferbench.machine.cores import SETTING as CORES
from dferbench.machine.cores import Number, cores

THREADS = "OMP_NUM_THREADS"
CORES_A_JOB = 4
"""Without GPUs one run computes on all cores; only where there are many do several side by side gain, and
each takes its own memory."""


@dataclass(frozen=True)
class Shares:
    """So many jobs, with so many cores each, on these devices in turn."""

    jobs: int
    cores: int
    devices: tuple[str, ...] = ()

    def environment(self, number: int) -> dict[str, str]:
        """What the job of that number (from 1) finds set; threads that the user set stay."""
        device = {visible.SETTING: self.device(number)} if self.devices else {}
        threads = {} if os.environ.get(THREADS) else {THREADS: str(self.cores)}
        return {CORES: str(self.cores), **threads, **device}

    def device(self, number: int) -> str:
        """Its device, which others share where there are more jobs than devices."""
        return self.devices[(number - 1) % len(self.devices)] if self.devices else ""

    def __str__(self) -> str:
        jobs = "1 job" if self.jobs == 1 else f"{self.jobs} jobs at a time"
        each = " each" if self.jobs > 1 else ""
        on = (
            f", on CUDA device{'s'[: len(self.devices) != 1]} {', '.join(self.devices)}"
            if self.devices
            else ""
        )
        return f"{jobs}, {self.cores} core{'s'[: self.cores != 1]}{each}{on}"


def shared(asked: Number, device: str, todo: int, devices: str = "") -> Shares:
    """`asked` jobs, or one a visible GPU, or by the cores; no more than there are runs `todo`.

    Raises ConfigError if one device for all, or several for one run (`devices`), are asked for.
    """
    if asked == 1:
        return Shares(1, cores())
    if ":" in device:
        raise ConfigError(
            f"--jobs gives each job a device of its own, and --device {device} is one for all",
            f"Leave --device out; {visible.SETTING} says which devices the jobs may use.",
        )
    if devices:
        raise ConfigError(
            f"--jobs gives each run one device, and --devices {devices} gives one run several",
            "Leave one of them out.",
        )
    found = visible.visible(device)
    jobs = max(1, min(_by_itself(device, found) if asked == "auto" else asked, todo))
    return Shares(jobs, max(1, cores() // jobs), tuple(found[:jobs]))


def _by_itself(device: str, devices: list[str]) -> int:
    return len(devices) or (1 if device == "mps" else max(1, cores() // CORES_A_JOB))
