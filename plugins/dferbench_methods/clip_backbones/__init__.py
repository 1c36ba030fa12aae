"""CLIP backbones: `clip-tiny`, whose weights lie in this package, OpenAI's ViT-B/32 and B/16, and FaRL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from dferbench import Options, hookimpl

SIZES = {"clip-tiny": 64, "clip-vit-b32": 224, "clip-vit-b16": 224}
"""The side in pixels of the images that each backbone takes."""
ABOUT = {
    "clip-tiny": "a small CLIP trained on synthetic faces; its weights come with the package",
    "clip-vit-b32": "OpenAI's CLIP ViT-B/32 (QuickGELU, fp32), from the hub or --weights clip-vit-b32=FILE",
    "clip-vit-b16": "OpenAI's CLIP ViT-B/16 (QuickGELU, fp32), from the hub or --weights clip-vit-b16=FILE",
}
FARL = "FaRL ViT-B/16, a CLIP trained on faces (QuickGELU, fp32), from --weights farl-vit-b16=FILE"

SIZED = "OpenAI's architecture at any size: a ViT, or a ResNet if `layers` are four; --weights clip=FILE"


Count = Annotated[int, Field(ge=1)]


class SizedOptions(Options):
    """The sizes of a CLIP; the defaults are those of OpenAI's ViT-B/32."""

    dim: int = Field(512, ge=1, description="Width of the features that images and texts share.")
    size: int = Field(224, ge=1, description="Side of the images in pixels.")
    patch: int = Field(32, ge=1, description="Side of a ViT's patches in pixels.")
    width: int = Field(768, ge=1, description="Width of the image tower.")
    layers: Count | tuple[Count, Count, Count, Count] = Field(
        12, description="Layers of the image tower; for a ResNet the blocks of its four stages."
    )
    context: int = Field(77, ge=1, description="Tokens of a text.")
    vocab: int = Field(49408, ge=1, description="Tokens that there are.")
    text_width: int = Field(512, ge=1, description="Width of the text tower.")
    text_layers: int = Field(12, ge=1, description="Layers of the text tower.")


@hookimpl
def register_backbones(register: Callable[..., None]) -> None:
    """Register the backbones; none is built, and nothing heavy imported, before it is used."""
    towers = "dferbench_methods.clip_backbones"
    for name, size in SIZES.items():
        build = f"{towers}.towers:{name.replace('-', '_')}"
        register(name, build, Options, size=size, about=ABOUT[name], embedded=name == "clip-tiny")
    register("farl-vit-b16", f"{towers}.farl:build_farl", Options, size=224, about=FARL)
    register("clip", f"{towers}.sized:build_sized", SizedOptions, size=224, about=SIZED)
