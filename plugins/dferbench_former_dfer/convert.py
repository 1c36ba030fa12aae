"""Taking over what the authors' code saved: depths, frames and classes are read off its names and shapes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from dferbench import Task
from dferbench.errors import DataError
from dferbench.nn.official import agreed, name_classes, need, renamed
from dferbench.types import Converted
from dferbench_former_dfer.model import FormerDfer
from dferbench_former_dfer.names import in_file

SEVEN = ("happiness", "sadness", "neutral", "anger", "surprise", "disgust", "fear")
"""The classes of the released lists, in the order of their labels."""
METHOD = "Former-DFER"
SIZE = 112
"""The side of the frames that the released code takes."""


def convert(state: dict[str, Tensor], given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """The checkpoint in our terms; see `dferbench.Method.convert`."""
    read = {
        "spatial_depth": _depth(state, "s_former"),
        "temporal_depth": _depth(state, "t_former"),
        "width": len(need(state, "s_former.conv1.weight", 4, METHOD)),
    }
    frames = need(state, "t_former.pos_embedding", 3, METHOD).shape[1] - 1
    count = len(need(state, "fc.weight", 2, METHOD))
    names, about_names = name_classes(count, classes, SEVEN, "DFEW and FERV39k")
    return renamed(
        state,
        lambda: FormerDfer(Task("", names, frames, SIZE), weights="", **read),
        in_file,
        METHOD,
        options=agreed(read, given),
        classes=names,
        notes=(about_names,),
        frames=frames,
    )


def _depth(state: Mapping[str, Tensor], part: str) -> int:
    """How many encoder layers a part has. Raises DataError for none."""
    found = (re.match(rf"{part}\.spatial_transformer\.layers\.(\d+)\.", name) for name in state)
    numbers = {int(match[1]) for match in found if match}
    if not numbers:
        raise DataError(
            f"it lacks the layers '{part}.spatial_transformer'", f"Is it a checkpoint of {METHOD}?"
        )
    return len(numbers)
