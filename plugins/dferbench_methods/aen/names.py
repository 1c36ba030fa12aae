"""How the released code calls the tensors of this model, and which of its tensors nothing reads."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from dferbench_methods.layers.released import in_released

LEVELS = {"0": "", "1": "1", "3": "3"}
"""The suffix of a level's transformer over time, whose layers are called spatial there."""
PARTS = {
    **{f"time{level}.blocks": f"t_former.spatial_transformer{end}.layers" for level, end in LEVELS.items()},
    **{
        f"time{level}.{token}": f"t_former.{token}{end}"
        for level, end in LEVELS.items()
        for token in ("cls_token", "pos_embedding")
    },
    **{f"tap{level}.{i}": f"s_former.conv_sp{level}_{i + 1}" for level in (1, 3) for i in (0, 1)},
    "trunk": "s_former",
    "residual": "fc0_0",
    "query1": "fc0_1",
    "out1": "fc0_1_o",
    "query3": "fc2_3",
    "out3": "fc2_3_o",
    "head0": "fc0",
    "head1": "fc1",
    "head3": "fc3",
    "still.head": "fc2D",
}
CLASSIFIER = ("fc0.", "fc1.", "fc3.", "fc2D.")
"""What is as wide as there are classes, or groups of them."""
_IDLE = re.compile(
    r"s_former\.(pos_embedding|spatial_transformer\..+|conv_sp2_[12]\..+)"
    r"|t_former\.(cls_token|pos_embedding|spatial_transformer)2(\..+)?"
    r"|fc1_(1|2|2_o)\..+"
)
_STILL = re.compile(r"s_former\.(conv1|bn1|layer[123]|conv_sp3_[12])\..+")


def in_file(name: str) -> str:
    """The released code's name of a tensor; the frozen 2D model's, which it keeps elsewhere, begin with
    "still."."""
    if name.startswith("still.") and not name.startswith("still.head."):
        return "still." + in_released(name.removeprefix("still."), PARTS)
    return in_released(name, PARTS)


def with_still(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The file's tensors but for the 13.6 million numbers that the code never uses, and what the 2D model
    shares with the trunk once more under the names of the frozen copy."""
    used = {name: tensor for name, tensor in state.items() if not _IDLE.fullmatch(name)}
    return used | {f"still.{name}": tensor for name, tensor in used.items() if _STILL.fullmatch(name)}
