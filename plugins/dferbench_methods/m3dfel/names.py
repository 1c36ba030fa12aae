"""How the released code calls the tensors of this model."""

from __future__ import annotations

import re

from dferbench_methods.layers.resnet3d import in_torchvision

TORCHVISION_STEM = "stem.0.weight"
"""A tensor that torchvision's r3d_18 has, and the released code keeps under another name."""
BAG = {"lstm": "lstm", "qkv": "to_qkv", "norm": "norm", "conv": "pwconv"}


def in_file(name: str) -> str:
    """The released code's name of a tensor: its trunk is torchvision's, its parts numbered."""
    part, rest = name.split(".", 1)
    if part == "head":
        return f"fc.{rest}"
    if part == "bag":
        inner, rest = rest.split(".", 1)
        return f"{BAG[inner]}.{rest}"
    return "features." + re.sub(r"^(stem|layer(?=\d))\.?", _number, in_torchvision(rest))


def _number(match: re.Match[str]) -> str:
    return "0." if match[1] == "stem" else ""
