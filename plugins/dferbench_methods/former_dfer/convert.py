"""Taking over what the authors' code saved: depths, frames and classes are read off its names and shapes."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from dferbench import Converted, Task
from dferbench_methods.former_dfer.model import FormerDfer
from dferbench_methods.former_dfer.names import in_file
from dferbench_methods.layers.official import SEVEN, agreed, count_layers, name_classes, need, renamed

METHOD = "Former-DFER"
SIZE = 112
"""The side of the frames that the released code takes."""


def convert(state: dict[str, Tensor], given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """The checkpoint in our terms; see `dferbench.Method.convert`."""
    read = {
        "spatial_depth": count_layers(state, "s_former.spatial_transformer", METHOD),
        "temporal_depth": count_layers(state, "t_former.spatial_transformer", METHOD),
        "width": len(need(state, "s_former.conv1.weight", 4, METHOD)),
    }
    frames = need(state, "t_former.pos_embedding", 3, METHOD).shape[1] - 1
    count = len(need(state, "fc.weight", 2, METHOD))
    names, about_names = name_classes(count, classes, SEVEN, "DFEW and FERV39k")
    return renamed(
        state,
        lambda: FormerDfer(Task("", names, frames, SIZE), None, **read),
        in_file,
        METHOD,
        options=agreed(read, given),
        classes=names,
        notes=(about_names,),
        frames=frames,
    )
