"""How the released code calls the tensors of this model, and which of its tensors nothing reads."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from dferbench.nn.temporal import LAYER_IN_FILES

LINEAR = {
    "residual": "fc0_0",
    "query1": "fc0_1",
    "out1": "fc0_1_o",
    "query3": "fc2_3",
    "out3": "fc2_3_o",
    "head0": "fc0",
    "head1": "fc1",
    "head3": "fc3",
}
CLASSIFIER = ("fc0.", "fc1.", "fc3.", "fc2D.")
"""What is as wide as there are classes, or groups of them."""
SUFFIX = {"0": "", "1": "1", "3": "3"}
"""Of a level's transformer, whose layers are called spatial there."""
_LAYER = re.compile(r"time([013])\.blocks\.(\d+)\.(.+)\.(weight|bias)")
_TOKEN = re.compile(r"time([013])\.(cls_token|pos_embedding)")
_TAP = re.compile(r"tap([13])\.([01])\.(weight|bias)")
_IDLE = re.compile(
    r"s_former\.(pos_embedding|spatial_transformer\..+|conv_sp2_[12]\..+)"
    r"|t_former\.(cls_token|pos_embedding|spatial_transformer)2(\..+)?"
    r"|fc1_(1|2|2_o)\..+"
)
_STILL = re.compile(r"s_former\.(conv1|bn1|layer[123]|conv_sp3_[12])\..+")


def in_file(name: str) -> str:
    """The released code's name of a tensor; the frozen 2D model's, which it keeps elsewhere, begin with
    "still."."""
    if name.startswith("still."):
        inside = name.removeprefix("still.")
        return inside.replace("head", "fc2D") if inside.startswith("head.") else f"still.{in_file(inside)}"
    if layer := _LAYER.fullmatch(name):
        level, number, part, kind = layer.groups()
        return f"t_former.spatial_transformer{SUFFIX[level]}.layers.{number}.{LAYER_IN_FILES[part]}.{kind}"
    if token := _TOKEN.fullmatch(name):
        return f"t_former.{token[2]}{SUFFIX[token[1]]}"
    if tap := _TAP.fullmatch(name):
        return f"s_former.conv_sp{tap[1]}_{int(tap[2]) + 1}.{tap[3]}"
    part, rest = name.split(".", 1)
    return f"{LINEAR.get(part, 's_former')}.{rest}"


def with_still(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The file's tensors but for the 13.6 million numbers that the code never uses, and what the 2D model
    shares with the trunk once more under the names of the frozen copy."""
    used = {name: tensor for name, tensor in state.items() if not _IDLE.fullmatch(name)}
    return used | {f"still.{name}": tensor for name, tensor in used.items() if _STILL.fullmatch(name)}
