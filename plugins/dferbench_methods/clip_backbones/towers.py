"""From a backbone's name and the wanted weights to a tower with these weights in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import open_clip
import torch
from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
from open_clip.constants import HF_SAFE_WEIGHTS_NAME
from open_clip.pretrained import get_pretrained_cfg
from torch import Tensor

from dferbench import DataError, expand, sha256_of
from dferbench.models import TwoTower, Weights, load_exactly
from dferbench_methods.clip_backbones.checkpoints import read_state_dict

# OpenAI trained with QuickGELU; under the plain names open_clip would continue with the exact GELU.
HUB = {"clip-vit-b32": "ViT-B-32-quickgelu", "clip-vit-b16": "ViT-B-16-quickgelu"}
_HINT = "Give the file of this very architecture; a download that broke off must be repeated."
PACKAGED = "weights/clip-tiny"
WAIT = 8.0
"""Seconds in which the hub must answer."""
SCALE = "logit_scale"
"""What few methods read, and some files lack."""


def build_tower(name: str, weights: str | None = None) -> TwoTower:
    """The backbone `name` in float32.

    `weights` is a file in OpenAI's or open_clip's format, None for the backbone's own source (the package
    or the hub), or "random" for a draw from a fixed seed. Leaves the global random generator as it was.
    Raises DataError for weights that are missing, unreachable, damaged or those of another architecture.
    """
    config = architecture(name)
    if weights == "random":
        return random_tower(config)
    if weights is not None:
        return load_tower(config, expand(weights))
    if name in HUB:
        return load_tower(config, download(name))
    with as_file(files("dferbench_methods.clip_backbones").joinpath(f"{PACKAGED}.safetensors")) as path:
        return load_tower(config, path, source=f"{name}, in the package")


clip_tiny, clip_vit_b32, clip_vit_b16 = (partial(build_tower, name) for name in ("clip-tiny", *HUB))


def architecture(name: str) -> dict[str, Any]:
    """The arguments of `open_clip.CLIP` that make the backbone `name`."""
    if name in HUB:
        config: dict[str, Any] = open_clip.get_model_config(HUB[name])
        return config
    text = files("dferbench_methods.clip_backbones").joinpath(f"{PACKAGED}.json").read_text("utf-8")
    return dict(json.loads(text))


def random_tower(config: Mapping[str, Any]) -> TwoTower:
    """A tower with open_clip's initialisation, the same on every call."""
    return _tower(config, Weights("random", random=True))


def load_tower(
    config: Mapping[str, Any], path: Path, source: str = "", ignore: tuple[str, ...] = ()
) -> TwoTower:
    """A tower with the weights of a file, which must fit exactly; `source` is how the record names the file.

    What starts with a prefix in `ignore` is left out. The scale of logits may be missing: the tower then has
    none.
    Raises DataError that names the first key which is missing, unexpected or of the wrong shape.
    """
    state = {key: value for key, value in read_state_dict(path).items() if not key.startswith(ignore)}
    return _tower(config, Weights(source or str(path), sha256_of(path)), state)


def _tower(config: Mapping[str, Any], origin: Weights, state: Mapping[str, Tensor] | None = None) -> TwoTower:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        clip = open_clip.CLIP(**config)
    if state is not None:
        if SCALE not in state:
            # No number of ours may stand in for it; what reads it says that it is not there.
            clip.register_parameter(SCALE, None)
        load_exactly(clip, state, origin.source, _HINT)
    return TwoTower(clip, origin)


def download(name: str) -> Path:
    """The file of a hub backbone, from Hugging Face's cache or else the network. Raises DataError."""
    source = get_pretrained_cfg(HUB[name], "openai")
    repository, original = source["hf_hub"].strip("/"), Path(source["url"]).name
    try:
        return Path(hf_hub_download(repository, HF_SAFE_WEIGHTS_NAME, local_files_only=True))
    except (OSError, ValueError):  # not on this machine yet
        pass
    try:
        _require_answer(repository)
        return Path(hf_hub_download(repository, HF_SAFE_WEIGHTS_NAME))
    except Exception as error:  # of whichever library carries the request
        raise DataError(
            f"the weights of {name} are not on this machine, and the hub gave none ({type(error).__name__})",
            f"Get OpenAI's {original}, or {HF_SAFE_WEIGHTS_NAME} of {repository} on the Hugging Face hub, "
            f"and add --weights {name}=FILE.",
        ) from error


def _require_answer(repository: str) -> None:
    """Ask the hub for the file's facts once, and wait `WAIT` seconds: its client alone tries for minutes.

    Raises TimeoutError, or what the client raises.
    """
    answers: SimpleQueue[Exception | None] = SimpleQueue()

    def ask() -> None:
        try:
            get_hf_file_metadata(hf_hub_url(repository, HF_SAFE_WEIGHTS_NAME), timeout=WAIT / 2)
            answers.put(None)
        except Exception as error:
            answers.put(error)

    Thread(target=ask, daemon=True).start()  # a thread, since a proxy can accept a request and never answer
    try:
        failure = answers.get(timeout=WAIT)
    except Empty:
        raise TimeoutError(f"no answer within {WAIT:g} s") from None
    if failure is not None:
        raise failure
