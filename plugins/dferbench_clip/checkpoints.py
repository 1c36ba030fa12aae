"""Reading weight files of CLIP models without ever running what a pickle says."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from dferbench.errors import DataError

_NOT_WEIGHTS = ("input_resolution", "context_length", "vocab_size")
"""Whole numbers that OpenAI's archives keep beside the weights."""


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a weight file, by OpenAI's names for them, in the precision they were saved in.

    Reads safetensors, OpenAI's TorchScript archives, and state dicts saved by torch, bare or under
    "state_dict", with or without the prefix "module.". Raises DataError, naming the file.
    """
    if not path.is_file():
        raise DataError(f"the weight file {path} is not there", "Check the path behind --weights.")
    try:
        state = _read(path)
    except Exception as error:  # a damaged file fails in any of four parsers, each with errors of its own
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path} cannot be read as weights: {reason}", "Fetch it again.") from error
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise DataError(f"{path} holds no state dict", "Give a file of named tensors, such as ViT-B-32.pt.")
    named = {str(key).removeprefix("module."): tensor for key, tensor in state.items()}
    return {key: tensor for key, tensor in named.items() if key not in _NOT_WEIGHTS}


def _read(path: Path) -> Any:
    if path.suffix == ".safetensors":
        return safetensors.torch.load_file(path)
    if _is_torchscript(path):
        with warnings.catch_warnings():
            # OpenAI's files are TorchScript and will stay so, however torch thinks of new ones.
            warnings.simplefilter("ignore", FutureWarning)
            return torch.jit.load(path, map_location="cpu").state_dict()  # type: ignore[no-untyped-call]
    return torch.load(path, map_location="cpu", weights_only=True)


def _is_torchscript(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())
