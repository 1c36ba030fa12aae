"""Memory of a device: whether an error says that it ended, what work takes at its peak, and what is free."""

from __future__ import annotations

import os
from pathlib import Path

import torch

WORDS = ("memory: you tried to allocate", "MPS backend out of memory")
"""Of a RuntimeError that torch raises where a processor or Apple's GPU has no memory left."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether that is what an error says, on any device."""
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in WORDS)


def free_bytes(device: torch.device) -> int | None:
    """What could still be allocated, by this process as it is, or None where that is not told."""
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + unused
    if device.type != "cpu":
        return None
    bounds = [_kilobytes("/proc/meminfo", "MemAvailable"), _below_the_limit()]
    return min((bound for bound in bounds if bound is not None), default=None)


class PeakMemory:
    """The peak from here on: of CUDA's allocator, or else how far the process grew (Linux alone says it)."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.what = "peak allocated on the device" if device.type == "cuda" else ""
        self._before = 0
        if device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(device)
            self._before = torch.cuda.memory_allocated(device)
        elif device.type == "cpu" and _reset_peak():
            self.what = "peak growth of the process's resident memory, approximate"
            self._before = _resident("VmRSS") or 0

    def peak(self) -> int | None:
        """Bytes, or None where nothing is known."""
        if self._device.type == "cuda":
            return torch.cuda.max_memory_allocated(self._device) - self._before
        high = _resident("VmHWM") if self.what else None
        return None if high is None else max(high - self._before, 0)


def _reset_peak() -> bool:
    """Make Linux forget the process's highest resident memory so far (proc(5), clear_refs)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _resident(name: str) -> int | None:
    return _kilobytes("/proc/self/status", name)


def _below_the_limit() -> int | None:
    """What a limit of the address space leaves (`ulimit -v`), if there is one."""
    if os.name != "posix":
        return None
    import resource

    limit, size = resource.getrlimit(resource.RLIMIT_AS)[0], _resident("VmSize")
    return None if limit == resource.RLIM_INFINITY or size is None else max(limit - size, 0)


def _kilobytes(path: str, name: str) -> int | None:
    """A line "name: 12 kB" of a file of proc(5), in bytes."""
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return None
    found = (line.split() for line in lines if line.startswith(f"{name}:"))
    return next((int(words[1]) * 1024 for words in found), None)
