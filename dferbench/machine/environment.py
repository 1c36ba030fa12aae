"""What a result was computed with, for the record."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from dferbench.machine.device import device_name
from dferbench.machine.software import software

if TYPE_CHECKING:
    from lightning_fabric import Fabric

PACKAGES = (
    "torch", "torchvision", "open_clip_torch", "timm", "torchmetrics", "av", "decord", "pillow", "simplejpeg",
    "opencv-python-headless", "numpy",
)  # fmt: skip


def memory_bytes() -> int | None:
    """How much memory the machine has, or None where that cannot be known."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def environment(fabric: Fabric) -> dict[str, Any]:
    """Versions, device, threads, and the commit if dferbench runs from a checkout ("dirty" if changed)."""
    return {
        **software(),
        "device": device_name(fabric),
        "threads": torch.get_num_threads(),
        "packages": dict(versions()),
    }


def machine(fabric: Fabric) -> dict[str, Any]:
    """What a speed depends on: the device and how many threads feed it, the processor, torch."""
    device = device_name(fabric)
    return {
        "device": device if fabric.device.type != "cpu" else f"cpu ({_processor()})",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def _processor() -> str:
    """The processor's name where the system tells it, else its kind."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


@cache
def versions() -> dict[str, str | None]:
    """The version of every package that pixels, features or results may depend on."""
    return {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
