"""The convolutional baselines of DFER-CLIP's Table 5: C3D, P3D, I3D-RGB, 3D ResNet18 and R(2+1)D18."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from dferbench import Method, Options, hookimpl
from dferbench_methods.conv3d import cards, recipes
from dferbench_methods.layers.options import Dropout, Pixels, StartFile, Width

Start = Annotated[
    Literal["own", "dfew"],
    Field(
        description="How layers start where no file gives their weights: own is described in the card, dfew "
        "as in the code of DFEW's authors."
    ),
]
STARTED_LATER: Mapping[str, Any] = {"start": "own"}
"""The option `start` came after the first release."""


class C3dOptions(Options):
    """What may be set of C3D."""

    later: ClassVar[Mapping[str, Any]] = STARTED_LATER

    bn: bool = Field(
        False, description="Whether batch norm follows each convolution, as in DFEW's repository."
    )
    dropout: Dropout = 0.5
    pixels: Pixels = "unit"
    width: Width = 64
    start: Start = "own"
    weights: StartFile = ""


class P3dOptions(Options):
    """What may be set of P3D."""

    later: ClassVar[Mapping[str, Any]] = STARTED_LATER

    depth: Literal[63, 131, 199] = Field(63, description="Layers of the net.")
    relu: Literal["official", "port"] = Field(
        "official",
        description="Where ReLU acts on the two branches of a block: as in the official code, or as in the "
        "torch port, for its weights and for DFEW's repository.",
    )
    dropout: Dropout = 0.5
    pixels: Pixels = "unit"
    width: Width = 64
    start: Start = "own"
    weights: StartFile = ""


class I3dOptions(Options):
    """What may be set of I3D."""

    later: ClassVar[Mapping[str, Any]] = STARTED_LATER

    pool: Literal["adaptive", "official"] = Field(
        "adaptive",
        description="Last pooling: over the whole map, or in windows of 2x7x7; the same on 16 frames of "
        "224 x 224 pixels.",
    )
    dropout: Dropout = 0.5
    pixels: Pixels = "unit"
    width: Width = 64
    start: Start = "own"
    weights: StartFile = ""


class R3dOptions(Options):
    """What may be set of the 3D ResNet18."""

    variant: Literal["hara", "torchvision"] = Field("hara", description="Whose net: Hara's or torchvision's.")
    shortcut: Literal["b", "a"] = Field(
        "b", description="Shortcut where the shape changes: b is a convolution, a pads with zeros."
    )
    pixels: Pixels = "unit"
    width: Width = 64
    weights: StartFile = ""


class R2plus1dOptions(Options):
    """What may be set of R(2+1)D-18."""

    later: ClassVar[Mapping[str, Any]] = STARTED_LATER

    midplanes: Literal["torchvision", "vmz", "hara"] = Field(
        "torchvision",
        description="Channels between the two halves of a convolution: torchvision's, those of the paper's "
        "own code (vmz), or Hara's, whose stem differs too.",
    )
    pixels: Pixels = "unit"
    width: Width = 64
    start: Start = "own"
    weights: StartFile = ""


METHODS = (
    ("c3d", C3dOptions, cards.C3D),
    ("p3d", P3dOptions, cards.P3D),
    ("i3d", I3dOptions, cards.I3D),
    ("r3d18", R3dOptions, cards.R3D18),
    ("r2plus1d18", R2plus1dOptions, cards.R2PLUS1D18),
)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register the five methods."""
    for name, options, card in METHODS:
        recipe, recipe_for = recipes.of(name)
        register(
            Method(
                name=name,
                build=f"dferbench_methods.conv3d.model:{name}",
                recipe=recipe,
                recipe_for=recipe_for,
                paper=card["paper"],
                card=card,
                convert=f"dferbench_methods.conv3d.convert:{name}",
                options_for=recipes.OPTIONS_FOR[name],
                options=options,
            )
        )
