"""What features depend on besides the video: runs that agree in all of it share them, others never do."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

import dferbench
from dferbench import spec
from dferbench.data.decoders import Decoder
from dferbench.data.pipeline import Pipeline
from dferbench.machine.device import device_name
from dferbench.machine.environment import versions
from dferbench.models import Classifier
from dferbench.models.parts import Parts
from dferbench.registry.catalog import Catalog, Entry

if TYPE_CHECKING:
    from lightning_fabric import Fabric

FORMAT = 1
"""Of a value on disk; to be raised when it changes."""


def encoder_id(model: Classifier) -> str:
    """What the model's `encode` computes, in the word of the class that wrote it; "" if that says nothing."""
    owner = next(kind for kind in type(model).__mro__ if "encode" in vars(kind))
    return str(vars(owner).get("sees", ""))


def seen_by(model: Classifier, parts: Parts, catalog: Catalog) -> dict[str, Any]:
    """What decides `encode`'s output for given frames: its word, the backbones, their weights and their code.

    Empty if no word says what it computes.
    """
    word = encoder_id(model)
    if not word:
        return {}
    makers = [catalog.get("backbones", spec.parse_one(text).name) for text in parts.backbones]
    return {
        "sees": word,
        "backbones": {text: weights_of(module) for text, module in parts.backbones.items()},
        "origins": sorted({maker.origin for maker in makers}),
        "code": code_of(*sorted({_plugin(maker) for maker in makers})),
    }


def kind_of(
    seen: Mapping[str, Any],
    pipeline: Pipeline,
    precision: str,
    decoder: Decoder,
    fabric: Fabric,
    *,
    training: bool,
    seed: int | None,
) -> dict[str, Any]:
    """All of it, as plain data, for the videos of a split that trains or tests.

    `seed` is that of what the input draws at random, None if it draws nothing. Training and testing share
    what they see in the same way.
    """
    input = asdict(pipeline.input)
    del input["draws"]  # the second draw is the same however many there are
    if seed is None:
        del input["augment"], input["augment_on"]
    differ = seed is not None or pipeline.sampler.shuffle
    return {
        **seen,
        "format": FORMAT,
        "input": input,
        "training": training and differ,
        "seed": seed,
        "precision": precision,
        "device": _device(fabric),
        "parts": {what: _code_of(pipeline.makers[what]) for what in ("sample", "augment") if what in input},
        "readers": {decoder.name: code_of(_package(decoder.builds[decoder.name]))},
        "packages": dict(versions()),
    }


def weights_of(module: nn.Module) -> str:
    """The sha256 of the file that a backbone's weights came from, else of the weights themselves."""
    if stated := getattr(getattr(module, "origin", None), "sha256", ""):
        return str(stated)
    state = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        state.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        state.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return state.hexdigest()


@cache
def code_of(*packages: str) -> str:
    """The sha256 of the Python code that turns files into features: the host's, and all of other packages.

    Versions alone would not do: whoever works on a reader or a backbone must not be shown old features.
    """
    own = Path(dferbench.__file__).parent
    others = [place for package in packages if not _is_host(package) for place in _places(package)]
    state = hashlib.sha256()
    for place in [own / "data", own / "models", *others]:
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            state.update(path.read_bytes())
    return state.hexdigest()


def _code_of(makers: Sequence[Any]) -> str:
    return code_of(*sorted({_package(maker) for maker in makers}))


def _plugin(entry: Entry) -> str:
    """The package of the plugin that registered it, or where it was written if the plugin is a file."""
    name = entry.origin.split(" (")[0].split(":")[0]
    return name if name in sys.modules else _package(entry.load())


def _package(thing: Any) -> str:
    """The package, or the single file, in which a function or class was written."""
    module = str(getattr(thing, "__module__", type(thing).__module__))
    return getattr(sys.modules.get(module), "__package__", "") or module


def _is_host(package: str) -> bool:
    return package.split(".")[0] == dferbench.__name__


def _places(package: str) -> list[Path]:
    """The folders of a package, or the file of a module; none for what was typed at a prompt."""
    module = sys.modules.get(package)
    folders = [Path(folder) for folder in getattr(module, "__path__", ())]
    file = getattr(module, "__file__", None)
    return folders or ([Path(file)] if file else [])


def _device(fabric: Fabric) -> str:
    """What bits depend on: on a CPU, its instructions and the number of threads too."""
    if fabric.device.type != "cpu":
        return device_name(fabric)
    return f"cpu, {torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} threads"
