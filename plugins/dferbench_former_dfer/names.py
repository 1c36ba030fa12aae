"""How the released code calls the tensors of this model."""

from __future__ import annotations

import re

BLOCK = {
    "norm1": "0.fn.norm",
    "attention.qkv": "0.fn.fn.to_qkv",
    "attention.out": "0.fn.fn.to_out.0",
    "norm2": "1.fn.norm",
    "mlp.0": "1.fn.fn.net.0",
    "mlp.2": "1.fn.fn.net.3",
}
"""Within an encoder layer, ours and theirs."""
PARTS = {"trunk": "s_former", "spatial": "s_former", "temporal": "t_former", "head": "fc"}
_LAYER = re.compile(r"(spatial|temporal)\.blocks\.(\d+)\.(.+)\.(weight|bias)")


def in_file(name: str) -> str:
    """The released code's name of a tensor; both of its transformers call their layers spatial."""
    if layer := _LAYER.fullmatch(name):
        part, number, inside, kind = layer.groups()
        return f"{PARTS[part]}.spatial_transformer.layers.{number}.{BLOCK[inside]}.{kind}"
    part, rest = name.split(".", 1)
    return f"{PARTS[part]}.{rest}"
