"""Taking over what the authors' training script saves; they have released no such file."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from dferbench import Converted, Task
from dferbench_methods.ial.model import Ial
from dferbench_methods.ial.names import in_file, without_idle
from dferbench_methods.layers.official import SEVEN, agreed, name_classes, need, renamed

METHOD = "GCA+IAL"
SIZE = 112
"""The side of the frames that the released code takes."""


def convert(state: dict[str, Tensor], given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """The checkpoint in our terms; see `dferbench.Method.convert`."""
    read = {"width": len(need(state, "s_former.conv1.0.weight", 4, METHOD))}
    frames = need(state, "s_former.pos_embedding", 3, METHOD).shape[1]
    names, about_names = name_classes(len(need(state, "fc_f.weight", 2, METHOD)), classes, SEVEN, "DFEW")
    return renamed(
        without_idle(state),
        lambda: Ial(Task("", names, frames, SIZE), None, **read),
        in_file,
        METHOD,
        options=agreed(read, given),
        classes=names,
        notes=(about_names, "Weights that the released code never uses are left out."),
        frames=frames,
    )
