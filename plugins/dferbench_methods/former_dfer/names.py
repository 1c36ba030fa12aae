"""How the released code calls the tensors of this model."""

from __future__ import annotations

from dferbench_methods.layers.released import in_released

PARTS = {
    "spatial.blocks": "s_former.spatial_transformer.layers",
    "temporal.blocks": "t_former.spatial_transformer.layers",
    "trunk": "s_former",
    "spatial": "s_former",
    "temporal": "t_former",
    "head": "fc",
}
"""Ours and theirs; both of the released transformers call their layers spatial."""


def in_file(name: str) -> str:
    """The released code's name of a tensor."""
    return in_released(name, PARTS)
