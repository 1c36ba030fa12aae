"""Taking over whole trained nets, above all those of DFEW's repository: options from names and shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from dferbench import Converted, DataError, Task
from dferbench.models import Classifier
from dferbench_methods.conv3d import model
from dferbench_methods.conv3d.names import Names, c3d_names, i3d_names, p3d_names, residual_names
from dferbench_methods.conv3d.p3d import DEPTHS
from dferbench_methods.conv3d.recipes import SIZE
from dferbench_methods.layers.official import SEVEN, agreed, name_classes, need, renamed

State = Mapping[str, Tensor]
Given = Mapping[str, Any]
Classes = tuple[str, ...]
REPOSITORY: Given = {"input_for": {"dfew": {"sample": "uniform"}}, "whose": "the code of DFEW's repository"}
"""Whose 3D ResNets torchvision's names are, on DFEW: Hara's, in that table, were trained by other code."""


def c3d(state: State, given: Given, classes: Classes) -> Converted:
    """With batch norm or without; see `dferbench.Method.convert`."""
    names = c3d_names(state)
    width = len(need(state, names.called("conv1.weight"), 5, "C3D"))
    read = {"bn": names.called("bn1.weight") in state, "width": width}
    classifier = need(state, names.called("fc8.weight"), 2, "C3D")
    return _converted("c3d", model.c3d, names, state, agreed(read, given), classifier, classes)


def p3d(state: State, given: Given, classes: Classes) -> Converted:
    """The same: the blocks tell the depth; the relu is the port's unless the user says otherwise."""
    blocks = tuple(_count(state, f"layer{i}") for i in range(1, 5))
    depth = next((depth for depth, stages in DEPTHS.items() if stages == blocks), None)
    if depth is None:
        raise DataError(f"it has {blocks} blocks in its stages, as no P3D does", "Is it a checkpoint of P3D?")
    read = {"depth": depth, "width": len(need(state, "conv1_custom.weight", 5, "P3D"))}
    options = {"relu": "port", **agreed(read, given)}
    how = "stated by the user" if "relu" in given else "assumed"
    note = f"relu={options['relu']} is {how}: the file does not say it."
    classifier = need(state, "fc.weight", 2, "P3D")
    return _converted("p3d", model.p3d, p3d_names(state), state, options, classifier, classes, note)


def i3d(state: State, given: Given, classes: Classes) -> Converted:
    """The same."""
    read = {"width": len(need(state, "Conv3d_1a_7x7.conv3d.weight", 5, "I3D"))}
    classifier = need(state, "logits.conv3d.weight", 5, "I3D")
    return _converted("i3d", model.i3d, i3d_names(state), state, agreed(read, given), classifier, classes)


def r3d18(state: State, given: Given, classes: Classes) -> Converted:
    """The same: torchvision's net or Hara's, and either shortcut."""
    variant = "torchvision" if "stem.0.weight" in state else "hara"
    stem = "stem.0.weight" if variant == "torchvision" else "conv1.weight"
    read = {
        "variant": variant,
        "shortcut": "b" if any(".downsample." in name for name in state) else "a",
        "width": len(need(state, stem, 5, "3D ResNet18")),
    }
    return _residual("r3d18", model.r3d18, state, agreed(read, given), classes)


def r2plus1d18(state: State, given: Given, classes: Classes) -> Converted:
    """The same: the two convolutions of the second stage's first block tell whose midplanes they are."""
    if "conv1_s.weight" in state:
        midplanes, last = "hara", "bn1_t.weight"
    else:
        first, second = (len(need(state, f"layer2.0.conv{i}.0.0.weight", 5, "R(2+1)D")) for i in (1, 2))
        midplanes, last = "torchvision" if first == second else "vmz", "stem.4.weight"
    read = {"midplanes": midplanes, "width": len(need(state, last, 1, "R(2+1)D"))}
    return _residual("r2plus1d18", model.r2plus1d18, state, agreed(read, given), classes)


def _residual(
    method: str, build: Callable[..., Classifier], state: State, options: dict[str, Any], classes: Classes
) -> Converted:
    classifier = need(state, "fc.weight", 2, method)
    converted = _converted(method, build, residual_names(state), state, options, classifier, classes)
    return replace(converted, **REPOSITORY) if "stem.0.weight" in state else converted


def _converted(
    method: str,
    build: Callable[..., Classifier],
    names: Names,
    state: State,
    options: dict[str, Any],
    classifier: Tensor,
    classes: Classes,
    *notes: str,
) -> Converted:
    named, about = name_classes(len(classifier), classes, SEVEN, "DFEW")
    return renamed(
        state,
        lambda: build(Task("", named, 16, SIZE[method]), None, **{**options, "weights": ""}),
        lambda name: names.called(name.removeprefix("net.")),
        method,
        options={**options, "weights": ""},
        classes=named,
        notes=(about, *notes),
        frames=16,
    )


def _count(state: State, stage: str) -> int:
    """How many blocks of a stage the file has."""
    return len({name.split(".")[1] for name in state if name.startswith(f"{stage}.")})
