"""Reading safetensors files: tensors and metadata, and nothing that could be executed."""

from __future__ import annotations

from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor

from dferbench.errors import DataError

KEY = "dferbench"
"""Under this key of the metadata, checkpoints that dferbench wrote hold their header."""
_AGAIN = "Make or fetch it again."


def is_safetensors(path: Path) -> bool:
    """Whether the file begins like safetensors: a length of eight bytes, then JSON."""
    with path.open("rb") as file:
        return file.read(9)[8:] == b"{"


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata of a safetensors file. Raises DataError if the file is damaged."""
    try:
        with safetensors.safe_open(path, "pt") as file:
            return dict(file.metadata() or {})
    except Exception as error:  # whatever the parser says of a damaged file
        raise DataError(f"{path} cannot be read as weights: {error}", _AGAIN) from error


def is_own(path: Path) -> bool:
    """Whether dferbench wrote this safetensors file. Raises DataError if it is damaged."""
    return KEY in read_metadata(path)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file. Raises DataError if it is damaged."""
    try:
        return safetensors.torch.load_file(path)
    except Exception as error:  # whatever the parser says of a damaged file
        raise DataError(f"{path} cannot be read as weights: {error}", _AGAIN) from error
