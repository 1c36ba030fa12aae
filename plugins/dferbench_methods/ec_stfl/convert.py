"""Taking over what the authors' code saved: a 3D ResNet18, from their repositories of 2022 and 2024."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from dferbench import Converted, Task
from dferbench_methods.ec_stfl.model import EcStfl, in_file
from dferbench_methods.layers.official import SEVEN, agreed, name_classes, need, renamed

METHOD = "EC-STFL"
CODE: dict[str, Any] = {
    "input_for": {"": {"sample": "segments(duration=2, short=first-frame)"}},
    "whose": "the authors' code of 2024",
}
"""How that code, whose net is torchvision's, takes frames; the recipe is the paper's."""


def convert(state: dict[str, Tensor], given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """The checkpoint in our terms; see `dferbench.Method.convert`. The net and its shortcut are read off the
    names, the number of classes and the width off the shapes."""
    variant = "torchvision" if "stem.0.weight" in state else "hara"
    stem = in_file("trunk.stem.0.weight", variant)
    read: dict[str, Any] = {
        "variant": variant,
        "shortcut": "b" if any(".downsample." in name for name in state) else "a",
        "width": len(need(state, stem, 5, METHOD)),
    }
    count = len(need(state, "fc.weight", 2, METHOD))
    names, about_names = name_classes(count, classes, SEVEN, "DFEW")
    return renamed(
        state,
        lambda: EcStfl(Task("", names, 16, 112), None, **read),
        lambda name: in_file(name, variant),
        METHOD,
        options=agreed(read, given),
        classes=names,
        notes=(about_names, "The file does not say with which loss it was trained."),
        **(CODE if variant == "torchvision" else {}),
    )
