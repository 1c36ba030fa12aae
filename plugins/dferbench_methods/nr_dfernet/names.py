"""How the released code calls the tensors of this model, and which of its tensors nothing reads."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from dferbench_methods.layers.released import in_released

PARTS = {
    "fusion.dynamic": "s_former.d_branch",
    "fusion.patches": "s_former.patch_embedding",
    "fusion.positions": "s_former.pos_embedding_static",
    "fusion.blocks": "s_former.s_branch.layers",
    "temporal.positions": "s_former.temporal_pos_embedding",
    "temporal.blocks": "s_former.temporal_transformer.layers",
    "trunk": "s_former",
    "head": "fc",
}
UNUSED = re.compile(r"s_former\.(cls_token|(layer\d|d_branch)\.\d\.attn\..+)")
"""What the released code creates and never uses: a learned class token, and a gate in each basic block."""


def in_file(name: str) -> str:
    """The released code's name of a tensor."""
    return in_released(name, PARTS)


def without_unused(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The file's tensors but for those that the released code never uses."""
    return {name: tensor for name, tensor in state.items() if not UNUSED.fullmatch(name)}
