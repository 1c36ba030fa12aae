"""How the released code calls the tensors of this model."""

from __future__ import annotations

import re

from dferbench.nn.temporal import LAYER_IN_FILES

PARTS = {"trunk": "s_former", "spatial": "s_former", "temporal": "t_former", "head": "fc"}
_LAYER = re.compile(r"(spatial|temporal)\.blocks\.(\d+)\.(.+)\.(weight|bias)")


def in_file(name: str) -> str:
    """The released code's name of a tensor; both of its transformers call their layers spatial."""
    if layer := _LAYER.fullmatch(name):
        part, number, inside, kind = layer.groups()
        return f"{PARTS[part]}.spatial_transformer.layers.{number}.{LAYER_IN_FILES[inside]}.{kind}"
    part, rest = name.split(".", 1)
    return f"{PARTS[part]}.{rest}"
