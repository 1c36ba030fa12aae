"""How the released code calls the tensors of this model, and which of its tensors nothing reads."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from dferbench_methods.layers.released import in_released

GCA = {"gca.whole": "gc.0", "gca.squeeze": "fc1.0", "gca.excite": "fc2.0", "gca.aux": "AUX_fc"}
PARTS = {
    **{f"layer{i}.{ours}": f"s_former.layer{i}.0.{theirs}" for i in (2, 3) for ours, theirs in GCA.items()},
    "layer1": "s_former.layer1.0",
    "layer2": "s_former.layer2.0",
    "layer3": "s_former.layer3.0",
    "conv1": "s_former.conv1",
    "bn1": "s_former.bn1",
    "fusion.dynamic": "s_former.layer4",
    "fusion.patches": "s_former.patch_embedding",
    "fusion.positions": "s_former.pos_embedding_pos",
    "fusion.blocks": "s_former.pos_transformer.layers",
    "pos_embedding": "s_former.pos_embedding",
    "blocks": "s_former.temporal_transformer.layers",
    "head": "fc_f",
}
"""How names begin, ours and theirs."""
CLASSIFIER = ("fc_f.", "s_former.layer2.0.AUX_fc.1.", "s_former.layer3.0.AUX_fc.1.")
"""What is as wide as there are classes."""
_IDLE = re.compile(r"s_former\.(bias|layer[123]\.0\.(glb\..+|bias[12])|layer1\.0\.(AUX_fc|gc|fc1|fc2)\..+)")


def in_file(name: str) -> str:
    """The released code's name of a tensor."""
    return in_released(name, PARTS)


def without_idle(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The file's tensors but for the 146,752 numbers at seven classes that the released code never uses."""
    return {name: tensor for name, tensor in state.items() if not _IDLE.fullmatch(name)}
