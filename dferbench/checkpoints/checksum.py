"""The checksum by which a checkpoint proves itself: of what its header says and of every bit of its tensors.

It is of tensors, not of a file, so it holds wherever the file is copied to, and needs no second file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

NAME = "checksum"
"""The field of the header that holds it, and that alone it does not cover."""


def checksum(header: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> str:
    """The sha256 of a header, as plain data, and of tensors in main memory, as 64 hex digits."""
    stated = {name: value for name, value in header.items() if name != NAME}
    found = hashlib.sha256(json.dumps(stated, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        found.update(f"\n{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()
