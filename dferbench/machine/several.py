"""Several devices of one machine for one run: what `--devices` says, and how their processes meet."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from dferbench.errors import ConfigError
from dferbench.types import Recipe

if TYPE_CHECKING:
    from lightning_fabric import Fabric

MOST = 64
"""Processes of a run: more is a slip of the keyboard."""
PATIENCE = timedelta(days=1)
"""How long a process waits for the others, which may encode or test for long; their end is told at once."""
EXAMPLE = "Write --devices 2 for the first two, or --devices 0,1 for those of these numbers."


def numbers_of(devices: str, device: str = "auto") -> tuple[int, ...]:
    """The numbers of the devices that `--devices` asks for next to `--device`; () for the one of `--device`.

    Processes on a CPU are numbered as well. Whether the devices are there is not looked at. Raises
    ConfigError for a text that says no devices, or other ones than `--device`.
    """
    if not devices:
        return ()
    words = [word.strip() for word in devices.split(",")]
    if not all(word.isdecimal() and len(word) < 4 for word in words):
        raise _refused(devices)
    found = tuple(map(int, words)) if len(words) > 1 else tuple(range(int(words[0])))
    if not 1 <= len(found) <= MOST or len(set(found)) < len(found):
        raise _refused(devices)
    kind, _, number = device.partition(":")
    if number:
        raise ConfigError(
            f"--device {device} is one device, and --devices {devices} says which",
            f"Leave one of the two out, or use --device {kind}.",
        )
    if kind == "cpu" and len(words) > 1:
        raise ConfigError(
            f"--devices must be a number of processes on a CPU, which has no numbers, got '{devices}'",
            f"Write --device cpu --devices {len(words)}.",
        )
    if kind == "mps" and len(found) > 1:
        raise ConfigError(
            f"there is one device mps, and --devices {devices} asks for {len(found)}",
            "Leave --devices out.",
        )
    return found


def _refused(devices: str) -> ConfigError:
    return ConfigError(
        f"--devices must be a number of devices in [1, {MOST}] or different numbers of devices, "
        f"got '{devices}'",
        EXAMPLE,
    )


def first_device(device: str, devices: str) -> str:
    """The device of the process that leads, as `--device` would name it: "cuda:0". Raises ConfigError."""
    numbers = numbers_of(devices, device)
    if not numbers:
        return device
    kind = kind_of(device)
    if device == "auto" and kind == "cpu" and "," in devices:
        raise ConfigError(
            f"--devices {devices} names GPUs by their numbers, and there is no GPU here",
            f"Use --device cpu --devices {len(numbers)} to run {len(numbers)} processes on the CPU.",
        )
    _require(kind, numbers)
    return f"{kind}:{numbers[0]}" if kind == "cuda" else kind


def kind_of(device: str) -> str:
    """What "auto" means here: "cuda" or "cpu"; any other device is itself."""
    import torch

    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def _require(kind: str, numbers: tuple[int, ...]) -> None:
    """Raise ConfigError for a GPU that is not there."""
    import torch

    present = torch.cuda.device_count()
    if kind == "cuda" and max(numbers) >= present:
        raise ConfigError(
            f"there is no device cuda:{max(numbers)} here ({present} found)",
            "Use --devices with fewer, or --device cpu.",
        )


@dataclass(frozen=True)
class Member:
    """One of the processes of a run: number `rank`, on a device of `numbers`; they meet in a file."""

    rank: int
    kind: str
    """"cuda" or "cpu"."""
    numbers: tuple[int, ...]
    meeting: str

    @property
    def size(self) -> int:
        """How many processes there are."""
        return len(self.numbers)

    @property
    def device(self) -> str:
        """Its own, as `--device` would name it."""
        return f"{self.kind}:{self.numbers[self.rank]}" if self.kind == "cuda" else self.kind


@contextmanager
def joined(member: Member, recipe: Recipe) -> Iterator[Fabric]:
    """The Fabric of a process that has met the others, whom it leaves when the block ends."""
    from torch import distributed

    from dferbench.machine.device import make_fabric

    with _threads_shared(member), _loopback():
        distributed.init_process_group(
            "cpu:gloo,cuda:nccl" if member.kind == "cuda" else "gloo",
            init_method=f"file://{member.meeting}",
            rank=member.rank,
            world_size=member.size,
            timeout=PATIENCE,
        )
        try:
            yield make_fabric(member.device, recipe.precision, recipe.compute)
        except BaseException:
            abort(member)
            raise
        finally:
            distributed.destroy_process_group()


def abort(member: Member) -> None:
    """End what GPUs wait for from one another; on a CPU such waiting ends with the other process."""
    import torch
    from torch import distributed

    if member.kind == "cuda" and distributed.group.WORLD is not None:
        with suppress(RuntimeError):
            distributed.group.WORLD._get_backend(torch.device("cuda")).abort()


@contextmanager
def _threads_shared(member: Member) -> Iterator[None]:
    """Processes on one CPU would otherwise have as many threads as it has cores, each."""
    import torch

    before = torch.get_num_threads()
    if member.kind == "cpu" and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(before // member.size, 1))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _loopback() -> Iterator[None]:
    """gloo would bind to the address of the host's name, which may not be there, or be seen by others."""
    name = "GLOO_SOCKET_IFNAME"
    if name in os.environ or sys.platform != "linux":
        yield
        return
    os.environ[name] = "lo"
    try:
        yield
    finally:
        del os.environ[name]
