"""The GPUs that this process may use, as names for one child process each."""

from __future__ import annotations

import os

SETTING = "CUDA_VISIBLE_DEVICES"
MIG = "MIG-"


def visible(device: str) -> list[str]:
    """What to set $CUDA_VISIBLE_DEVICES to, for one child a GPU: indices, or UUIDs of GPUs or MIG instances.

    In the order of this process's own list; empty if `device` ("auto", "cpu", "cuda" or "mps") is no GPU of
    CUDA's, or if there is none.
    """
    if device not in ("auto", "cuda"):
        return []
    import torch

    found = torch.cuda.device_count()  # asks the driver, and takes no memory on any device
    return listed(os.environ.get(SETTING), found) if found else []


def listed(setting: str | None, found: int) -> list[str]:
    """The devices of a $CUDA_VISIBLE_DEVICES of which CUDA finds `found`; without one, it numbers all.

    CUDA heeds a list up to the first device that is not there. Of MIG instances it shows a process but one,
    however many are listed. Source: CUDA C++ Programming Guide, "CUDA Environment Variables".
    """
    if setting is None:
        return [str(number) for number in range(found)]
    names = [name.strip() for name in setting.split(",") if name.strip()]
    return names if all(name.startswith(MIG) for name in names) else names[:found]
