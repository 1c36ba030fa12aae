"""ResNet18-LSTM and ResNet18-ViT: a 2D ResNet per frame, a recurrent net or a transformer over all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from pydantic import Field

from dferbench import Method, Options, hookimpl
from dferbench_methods.layers.options import StartFile, Width
from dferbench_methods.resnet_temporal.cards import LSTM, VIT
from dferbench_methods.resnet_temporal.recipes import DYNAMIC, LSTM_MAFW, SYNTHETIC

TRUNK = "File of a trunk with torchvision's names to start from; '' for none."


class ResNetLstmOptions(Options):
    """What may be set of ResNet18-LSTM."""

    variant: Literal["resnet18", "dfew"] = Field(
        "resnet18",
        description="The plain net, or the one with bottlenecks that the DFEW authors released under this "
        "name; sets hidden, layers and readout where they are left open.",
    )
    cell: Literal["lstm", "gru"] = Field("lstm", description="Kind of recurrent net.")
    hidden: int = Field(0, ge=0, description="Units of the recurrent net; 0 for the variant's.")
    layers: int = Field(0, ge=0, description="Layers of the recurrent net; 0 for the variant's.")
    bidirectional: bool = Field(
        False, description="Whether a second recurrent net reads the frames backwards."
    )
    readout: Literal["", "last", "mean", "concat"] = Field(
        "",
        description="What the classifier reads: the last output, the mean of all, or all side by side; "
        "'' for the variant's.",
    )
    width: Width = 64
    weights: StartFile = Field("", description=TRUNK)


class ResNetVitOptions(Options):
    """What may be set of ResNet18-ViT."""

    depth: int = Field(3, ge=1, description="Blocks of the temporal transformer.")
    heads: int = Field(8, ge=1, description="Number of attention heads in each block.")
    width: Width = 64
    weights: StartFile = Field("", description=TRUNK)


NARROW = {"synthetic": {"width": 16}}
LSTM_METHOD = Method(
    name="resnet18-lstm",
    build="dferbench_methods.resnet_temporal.model:recurrent",
    recipe=DYNAMIC,
    recipe_for={"synthetic": SYNTHETIC, "mafw": LSTM_MAFW},
    paper=LSTM["paper"],
    card=LSTM,
    options_for=NARROW,
    options=ResNetLstmOptions,
)
VIT_METHOD = Method(
    name="resnet18-vit",
    build="dferbench_methods.resnet_temporal.model:transformer",
    recipe=DYNAMIC,
    recipe_for={"synthetic": SYNTHETIC},
    paper=VIT["paper"],
    card=VIT,
    options_for=NARROW,
    options=ResNetVitOptions,
)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register resnet18-lstm and resnet18-vit."""
    register(LSTM_METHOD)
    register(VIT_METHOD)
