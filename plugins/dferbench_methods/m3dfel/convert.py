"""Taking over what the authors' code saved: width, instances and classes are read off its shapes."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from dferbench import Converted, Task
from dferbench_methods.layers.official import SEVEN, agreed, name_classes, need, renamed
from dferbench_methods.m3dfel.model import M3dfel
from dferbench_methods.m3dfel.names import in_file

METHOD = "M3DFEL"
INSTANCE = 4
"""The frames of an instance in the released code."""


def convert(state: dict[str, Tensor], given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """The checkpoint in our terms; see `dferbench.Method.convert`. How many frames an instance has is in no
    file: four unless the user says otherwise, and the notes say which."""
    instance = given.get("instance", INSTANCE)
    read = {"width": len(need(state, "features.0.0.weight", 5, METHOD))}
    frames = need(state, "pwconv.weight", 3, METHOD).shape[1] * instance
    count = len(need(state, "fc.weight", 2, METHOD))
    names, about_names = name_classes(count, classes, SEVEN, "DFEW")
    said = "was stated by the user" if "instance" in given else "is assumed, as in the released code"
    return renamed(
        state,
        lambda: M3dfel(Task("", names, frames, 112), None, instance=instance, **read),
        in_file,
        METHOD,
        options=agreed(read, given),
        classes=names,
        notes=(about_names, f"instance={instance} {said}: the file does not say it."),
        frames=frames,
    )
