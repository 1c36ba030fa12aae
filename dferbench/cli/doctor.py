"""`dferbench doctor`: what is installed, what works, what does not and why."""

from __future__ import annotations

import importlib
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

import dferbench
from dferbench.places import config_file
from dferbench.registry.catalog import Catalog
from dferbench.registry.kinds import KINDS

PACKAGES = {
    "torch": "torch", "torchvision": "torchvision", "open_clip_torch": "open_clip", "av": "av",
    "decord": "decord", "lightning-fabric": "lightning_fabric", "torchmetrics": "torchmetrics",
    "opencv-python-headless": "cv2",
}  # fmt: skip
OPTIONAL = {"decord": "no wheel for this platform; PyAV reads the videos"}


def doctor(
    context: typer.Context,
    tracebacks: Annotated[bool, typer.Option(help="Show why plugins are broken, in full.")] = True,
) -> int:
    """Check the installation; exits with 3 if something needs mending."""
    catalog: Catalog = context.obj
    typer.echo(
        f"dferbench {dferbench.__version__}, Python {platform.python_version()}, {platform.platform()}"
    )
    typer.echo(f"configuration: {config_file()}{'' if config_file().is_file() else ' (not there)'}")
    troubles = 0
    for line, good in [*_packages(), *_devices(), *_plugins(catalog, tracebacks)]:
        typer.echo(f"{'ok ' if good else 'BAD'} {line}")
        troubles += not good
    typer.echo("everything works" if not troubles else f"{troubles} to mend")
    return 3 if troubles else 0


def _packages() -> Iterator[tuple[str, bool]]:
    for name, module in PACKAGES.items():
        try:
            importlib.import_module(module)
            yield f"{name} {version(name)}", True
        except (PackageNotFoundError, ImportError, OSError) as error:
            optional = name in OPTIONAL
            yield f"{name}: {OPTIONAL[name] if optional else error}", optional


def _devices() -> Iterator[tuple[str, bool]]:
    import torch

    count = torch.cuda.device_count()
    names = [torch.cuda.get_device_name(i) for i in range(count)]
    yield f"devices: cpu ({torch.get_num_threads()} threads){''.join(f', cuda ({n})' for n in names)}", True


def _plugins(catalog: Catalog, tracebacks: bool) -> Iterator[tuple[str, bool]]:
    counts = ", ".join(f"{len(entries)} {KINDS[kind].noun}s" for kind, entries in catalog.entries.items())
    yield f"registered: {counts}", True
    for (kind, name), origins in catalog.contested.items():
        yield f"the {KINDS[kind].noun} name '{name}' is claimed by {' and '.join(origins)}", False
    for broken in catalog.broken:
        yield f"plugin {broken.origin}: {broken.reason}", False
        if tracebacks:
            typer.echo(broken.details.rstrip())
