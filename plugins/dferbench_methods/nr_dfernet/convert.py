"""Taking over what the authors' training script saves; they have released no such file."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from dferbench import Converted, Task
from dferbench_methods.layers.official import SEVEN, agreed, name_classes, need, renamed
from dferbench_methods.nr_dfernet.model import NrDferNet
from dferbench_methods.nr_dfernet.names import in_file, without_unused

METHOD = "NR-DFERNet"
SIZE = 112
"""The side of the frames that the released code takes."""


def convert(state: dict[str, Tensor], given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """The checkpoint in our terms; see `dferbench.Method.convert`."""
    read = {"width": len(need(state, "s_former.conv1.0.weight", 4, METHOD))}
    frames = need(state, "s_former.temporal_pos_embedding", 3, METHOD).shape[1]
    count = len(need(state, "fc.weight", 2, METHOD))
    names, about_names = name_classes(count, classes, SEVEN, "DFEW and FERV39k")
    return renamed(
        without_unused(state),
        # Which class the filter rules out changes no tensor.
        lambda: NrDferNet(Task("", names, frames, SIZE), None, neutral="", **read),
        in_file,
        METHOD,
        options=agreed(read, given),
        classes=names,
        notes=(about_names, "Weights that the released code never uses are left out."),
        frames=frames,
    )
