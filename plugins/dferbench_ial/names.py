"""How the released code calls the tensors of this model, and which of its tensors nothing reads."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from dferbench.nn.temporal import LAYER_IN_FILES

PARTS = {
    "conv1": "s_former.conv1",
    "bn1": "s_former.bn1",
    "layer1": "s_former.layer1.0",
    "layer2": "s_former.layer2.0",
    "layer3": "s_former.layer3.0",
    "dynamic": "s_former.layer4",
    "static": "s_former.patch_embedding",
    "pos_static": "s_former.pos_embedding_pos",
    "pos_embedding": "s_former.pos_embedding",
    "head": "fc_f",
}
"""How names begin, ours and theirs."""
GCA = {"gca.whole": "gc.0", "gca.squeeze": "fc1.0", "gca.excite": "fc2.0", "gca.aux": "AUX_fc"}
BLOCKS = {"static_blocks": "pos_transformer", "blocks": "temporal_transformer"}
CLASSIFIER = ("fc_f.", "s_former.layer2.0.AUX_fc.1.", "s_former.layer3.0.AUX_fc.1.")
"""What is as wide as there are classes."""
_LAYER = re.compile(r"(static_blocks|blocks)\.(\d+)\.(.+)\.(weight|bias)")
_IDLE = re.compile(r"s_former\.(bias|layer[123]\.0\.(glb\..+|bias[12])|layer1\.0\.(AUX_fc|gc|fc1|fc2)\..+)")


def in_file(name: str) -> str:
    """The released code's name of a tensor."""
    if layer := _LAYER.fullmatch(name):
        part, number, inside, kind = layer.groups()
        return f"s_former.{BLOCKS[part]}.layers.{number}.{LAYER_IN_FILES[inside]}.{kind}"
    part, _, rest = name.partition(".")
    for ours, theirs in GCA.items():
        if rest.startswith(ours):
            rest = theirs + rest.removeprefix(ours)
    return f"{PARTS[part]}.{rest}" if rest else PARTS[part]


def without_idle(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The file's tensors but for the 146,752 numbers at seven classes that the released code never uses."""
    return {name: tensor for name, tensor in state.items() if not _IDLE.fullmatch(name)}
