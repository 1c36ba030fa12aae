"""ResNet18-LSTM and ResNet18-ViT: a 2D ResNet sees each frame, a recurrent net or a transformer all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dferbench import Method, Task, hookimpl
from dferbench_methods.resnet_temporal.cards import LSTM, VIT
from dferbench_methods.resnet_temporal.recipes import DYNAMIC, LSTM_MAFW, SYNTHETIC

if TYPE_CHECKING:
    from dferbench.models import Classifier


def build_lstm(  # noqa: PLR0913 - the signature is the list of options
    task: Task,
    parts: Any,
    variant: str = "resnet18",
    cell: str = "lstm",
    hidden: int = 0,
    layers: int = 0,
    bidirectional: bool = False,
    readout: str = "",
    width: int = 64,
    weights: str = "",
) -> Classifier:
    """A ResNet over the frames, a recurrent net over time, and a linear layer.

    `variant` "resnet18" is the default net, "dfew" the one that the DFEW authors released under this name,
    with bottlenecks; it sets what `hidden` (0), `layers` (0) and `readout` ("") leave open. `cell` is "lstm"
    or "gru", `readout` "last", "mean" or "concat", `width` the trunk's first. `weights` is a file with a
    trunk to start from, named as torchvision's. Raises ConfigError, UnknownName or DataError.
    """
    from dferbench_methods.resnet_temporal.model import recurrent

    given = {"hidden": hidden, "layers": layers, "readout": readout}
    return recurrent(task, variant, given, cell, bidirectional, width, weights)


def build_vit(
    task: Task, parts: Any, depth: int = 3, heads: int = 8, width: int = 64, weights: str = ""
) -> Classifier:
    """A ResNet-18 over the frames, a transformer with a class token over time, and a linear layer.

    `width` is the trunk's first, `weights` a file with a trunk to start from, named as torchvision's. Raises
    ConfigError or DataError.
    """
    from dferbench_methods.resnet_temporal.model import transformer

    return transformer(task, depth, heads, width, weights)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register resnet18-lstm and resnet18-vit."""
    short, small = {"synthetic": SYNTHETIC}, {"synthetic": {"width": 16}}
    lstm = {**short, "mafw": LSTM_MAFW}
    register(Method("resnet18-lstm", build_lstm, DYNAMIC, lstm, LSTM["paper"], LSTM, options_for=small))
    register(Method("resnet18-vit", build_vit, DYNAMIC, short, VIT["paper"], VIT, options_for=small))
