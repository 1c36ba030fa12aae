"""CLIP backbones: `clip-tiny`, whose weights lie in this package, OpenAI's ViT-B/32 and B/16, and FaRL."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dferbench import hookimpl

if TYPE_CHECKING:
    from dferbench.models import TwoTower

SIZES = {"clip-tiny": 64, "clip-vit-b32": 224, "clip-vit-b16": 224}
"""The side in pixels of the images that each backbone takes."""
ABOUT = {
    "clip-tiny": "a small CLIP trained on synthetic faces; its weights come with the package",
    "clip-vit-b32": "OpenAI's CLIP ViT-B/32 (QuickGELU, fp32), from the hub or --weights clip-vit-b32=FILE",
    "clip-vit-b16": "OpenAI's CLIP ViT-B/16 (QuickGELU, fp32), from the hub or --weights clip-vit-b16=FILE",
}
FARL = "FaRL ViT-B/16, a CLIP trained on faces (QuickGELU, fp32), from --weights farl-vit-b16=FILE"

SIZED = "OpenAI's architecture at any size: a ViT, or a ResNet if `layers` are four; --weights clip=FILE"


@hookimpl
def register_backbones(register: Callable[..., None]) -> None:
    """Register the backbones; none is built, and nothing heavy imported, before it is used."""
    for name, size in SIZES.items():
        register(name, _builder(name), size=size, about=ABOUT[name], embedded=name == "clip-tiny")
    register("farl-vit-b16", _farl, size=224, about=FARL)
    register("clip", _sized, size=224, about=SIZED)


def _builder(name: str) -> Callable[[str | None], TwoTower]:
    def build(weights: str | None = None) -> TwoTower:
        from dferbench_methods.clip_backbones.towers import build_tower

        return build_tower(name, weights)

    return build


def _farl(weights: str | None = None) -> TwoTower:
    from dferbench_methods.clip_backbones.farl import build_farl

    return build_farl(weights)


def _sized(  # noqa: PLR0913 - the signature is the list of options
    weights: str | None = None,
    dim: int = 512,
    size: int = 224,
    patch: int = 32,
    width: int = 768,
    layers: int | tuple[int, ...] = 12,
    context: int = 77,
    vocab: int = 49408,
    text_width: int = 512,
    text_layers: int = 12,
) -> TwoTower:
    from dferbench_methods.clip_backbones.sized import Sizes, build_sized

    vision = (size, patch, width, layers)
    return build_sized(Sizes(dim, *vision, context, vocab, text_width, text_layers), weights)
