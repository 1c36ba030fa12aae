"""Reading weight files of CLIP models without ever running what a pickle says."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor

from dferbench import DataError
from dferbench.models import is_torchscript, read_foreign

_NOT_WEIGHTS = ("input_resolution", "context_length", "vocab_size")
"""Whole numbers that OpenAI's archives keep next to the weights."""


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a weight file, by OpenAI's names for them, in the precision they were saved in.

    Reads safetensors, OpenAI's TorchScript archives, and state dicts saved by torch, wrapped as training
    programs wrap them. Raises DataError, naming the file.
    """
    if not path.is_file():
        raise DataError(f"the weight file {path} is not there", "Check the path behind --weights.")
    named = _read(path)
    return {name: tensor for name, tensor in named.items() if name not in _NOT_WEIGHTS}


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if is_torchscript(path):
            with warnings.catch_warnings():
                # OpenAI's files are TorchScript and will stay so, however torch thinks of new ones.
                warnings.simplefilter("ignore", FutureWarning)
                module = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
            return dict(module.state_dict())
    except Exception as error:  # a damaged file fails in either parser, each with errors of its own
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path} cannot be read as weights: {reason}", "Fetch it again.") from error
    return read_foreign(path)
