"""Taking over what the authors' code saved: sizes, frames and classes are read off its names and shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from dferbench import ConfigError, Converted, DataError, Task
from dferbench_methods.layers.mix import Mix
from dferbench_methods.layers.official import agreed, name_classes, need, renamed
from dferbench_methods.s2d.landmark import read_landmark
from dferbench_methods.s2d.model import S2d, Shape
from dferbench_methods.s2d.names import in_file

METHOD = "S2D"
HEADS = 12
"""Of the released image model; no file says it."""


def convert(state: dict[str, Tensor], given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """The checkpoint in our terms; see `dferbench.Method.convert`. Its landmark network lies in another file,
    and its classes have another order on each dataset: the user says both."""
    landmark = _landmark(given)
    patch = need(state, "patch_embed.proj.weight", 4, METHOD)
    read = {
        "width": len(patch),
        "patch": patch.shape[-1],
        "depth": _depth(state),
        "hidden": len(need(state, "prompt_blocks.0.conv0_0.weight", 4, METHOD)),
    }
    side = round((need(state, "pos_embed", 3, METHOD).shape[1] - 1) ** 0.5)
    frames = need(state, "temporal_embedding", 3, METHOD).shape[1]
    names, about_names = name_classes(
        len(need(state, "head.fc_cls.weight", 2, METHOD)), classes, (), "no dataset"
    )
    shape = Shape(**read, heads=given.get("heads", HEADS))
    task = Task("", names, frames, side * shape.patch)
    converted = renamed(
        state,
        lambda: S2d(task, shape, Mix(len(names))),
        in_file,
        METHOD,
        options=agreed(read, given),
        classes=names,
        notes=(about_names, _about(landmark)),
        frames=frames,
        also={"order": "string"},
    )
    return _with_landmark(converted, landmark)


def _landmark(given: Mapping[str, Any]) -> str:
    if "landmark" not in given:
        raise ConfigError(
            "S2D was trained next to a landmark network, which its checkpoints do not hold",
            "Give the file of its repository: --set landmark=FILE; or --set landmark='' to show it zeros.",
        )
    return str(given["landmark"])


def _about(landmark: str) -> str:
    return (
        f"Landmarks come from the network of {landmark.rsplit('/', 1)[-1]}."
        if landmark
        else "It was trained with landmarks and is shown none: results are not those of its authors."
    )


def _with_landmark(converted: Converted, landmark: str) -> Converted:
    """The network's tensors are part of the model's, so that the file that is written holds them."""
    if not landmark:
        return converted
    net = read_landmark(landmark)[0].state_dict()
    return replace(converted, state={**converted.state, **{f"landmark.{n}": t for n, t in net.items()}})


def _depth(state: Mapping[str, Tensor]) -> int:
    """How many blocks the image model has. Raises DataError for none."""
    numbers = {name.split(".")[1] for name in state if name.startswith("blocks.")}
    if not numbers:
        raise DataError("it lacks the layers 'blocks'", f"Is it a checkpoint of {METHOD}?")
    return len(numbers)
