"""How the released code calls the tensors of this model, and starting from what it saves."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from torch import nn

from dferbench.nn.foreign import read_foreign
from dferbench.nn.start import start_from, started
from dferbench.nn.temporal import LAYER_IN_FILES

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
_LAYER = re.compile(r"(.+\.blocks)\.(\d+)\.(.+)\.(weight|bias)")


def in_file(name: str) -> str:
    """The released code's name of a tensor."""
    if layer := _LAYER.fullmatch(name):
        blocks, number, inside, kind = layer.groups()
        return f"{PARTS[blocks]}.{number}.{LAYER_IN_FILES[inside]}.{kind}"
    ours = next(part for part in PARTS if name == part or name.startswith(f"{part}."))
    return PARTS[ours] + name.removeprefix(ours)


def start(model: nn.Module, file: str) -> dict[str, Any]:
    """Give the model a file's tensors, and return what its notes say; see `dferbench.nn.start`."""
    if not file:
        return start_from(model, file)
    path = Path(file).expanduser()
    used = {name: tensor for name, tensor in read_foreign(path).items() if not UNUSED.fullmatch(name)}
    return started(model, used, path, in_file)
