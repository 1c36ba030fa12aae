"""Taking over what the authors' code saved: depth, frames and classes are read off its names and shapes."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from dferbench import Converted, Task
from dferbench_methods.aen.model import Aen
from dferbench_methods.aen.names import in_file, with_still
from dferbench_methods.layers.official import SEVEN, agreed, count_layers, name_classes, need, renamed

METHOD = "AEN"
SIZE = 112
"""The side of the frames that the released code takes."""


def convert(state: dict[str, Tensor], given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """The checkpoint in our terms; see `dferbench.Method.convert`."""
    read = {
        "depth": count_layers(state, "t_former.spatial_transformer", METHOD),
        "width": len(need(state, "s_former.conv1.weight", 4, METHOD)),
    }
    frames = need(state, "t_former.pos_embedding", 3, METHOD).shape[1] - 1
    count = len(need(state, "fc3.weight", 2, METHOD))
    names, about_names = name_classes(count, classes, SEVEN, "DFEW, FERV39k and AFEW")
    about_still = (
        "The file does not hold the frozen 2D model that guided training: the trunk and its unused head "
        "stand in, which no prediction reads."
    )
    return renamed(
        with_still(state),
        lambda: Aen(Task("", names, frames, SIZE), None, **read),
        in_file,
        METHOD,
        options=agreed(read, given),
        classes=names,
        notes=(about_names, about_still, "Weights that the released code never uses are left out."),
        frames=frames,
    )
