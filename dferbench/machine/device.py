"""Device and precision, through Lightning Fabric."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from dferbench.errors import ConfigError, UnknownName
from dferbench.machine.numerics import USUAL, compute_by
from dferbench.types import Compute

if TYPE_CHECKING:
    from lightning_fabric import Fabric

PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


def make_fabric(device: str, precision: str, compute: Compute = USUAL) -> Fabric:
    """A Fabric on one device: "auto", "cpu", "cuda", "cuda:1" or "mps"; torch computes as `compute` says.

    Unless that says otherwise: same seed, same device, same result.

    Raises UnknownName for an unknown precision or device and ConfigError for a device that is not there, or
    that does not have the precision.
    """
    if precision not in PRECISIONS:
        raise UnknownName("precision", precision, PRECISIONS)
    kind, _, number = device.partition(":")
    if kind not in ("auto", "cpu", "cuda", "mps") or (number and not number.isdigit()):
        raise UnknownName("device", device, ["auto", "cpu", "cuda", "cuda:0", "mps"])
    kind = _kind(device)
    _require(kind, int(number or 0))
    if precision == "fp16" and kind == "cpu":  # Fabric would compute in bf16, and a record would say fp16
        raise ConfigError(
            "precision fp16 needs a GPU: a CPU computes in bf16 instead",
            "Use precision=bf16 or fp32, or a GPU.",
        )
    compute_by(compute)
    with _hidden("torchmetrics"):
        from lightning_fabric import Fabric
        from lightning_fabric.plugins.environments.lightning import LightningEnvironment
    chosen = [int(number or 0)] if kind == "cuda" else 1
    # A run is one process. Where Slurm is installed, Fabric would look for others, and ask for srun.
    alone = [LightningEnvironment()]
    return Fabric(accelerator=kind, devices=chosen, precision=PRECISIONS[precision], plugins=alone)  # type: ignore[arg-type]


def precision_for_tests(device: str, precision: str) -> str:
    """In what precision a model that was trained in `precision` is tested: fp16 as bf16 on a CPU."""
    return "bf16" if precision == "fp16" and _kind(device) == "cpu" else precision


def _kind(device: str) -> str:
    kind = device.partition(":")[0]
    return ("cuda" if torch.cuda.is_available() else "cpu") if kind == "auto" else kind


@contextmanager
def _hidden(package: str) -> Iterator[None]:
    """The package looks as if it were not installed, unless it is imported already.

    Fabric imports all of torchmetrics, where it is installed, only to compare its version for a feature that
    is not used here; that would double the time a run takes to start.
    """
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]


def _require(kind: str, number: int) -> None:
    present = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if number >= present[kind]:
        raise ConfigError(
            f"there is no device {kind}:{number} here ({present[kind]} found)", "Use --device auto or cpu."
        )


def device_name(fabric: Fabric) -> str:
    """What the device is called, for the record."""
    if fabric.device.type == "cuda":
        return torch.cuda.get_device_name(fabric.device)
    return fabric.device.type
