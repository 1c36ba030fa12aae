"""What released codes call the tensors of our modules, told by how names begin."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dferbench.models import LAYER_IN_FILES

_IN_LAYER = re.compile(r"(\.\d+\.)(.+)(\.(?:weight|bias))")


def in_released(name: str, parts: Mapping[str, str]) -> str:
    """The released name of our tensor `name`.

    `parts` maps parts of a model to their released names; the first that `name` lies in is meant. What stands
    behind it stays, but within a numbered layer that is a `PreNorm` it is renamed as those codes have it.
    """
    part = next(part for part in parts if name == part or name.startswith(f"{part}."))
    rest = name.removeprefix(part)
    layer = _IN_LAYER.fullmatch(rest)
    if layer and layer[2] in LAYER_IN_FILES:
        rest = layer[1] + LAYER_IN_FILES[layer[2]] + layer[3]
    return parts[part] + rest
