"""CLIP at any size, by the rules that OpenAI's own builder follows when it reads sizes off a checkpoint."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from typing import Any

from dferbench import ConfigError, DataError, expand
from dferbench.models import TwoTower
from dferbench_methods.clip_backbones.towers import load_tower, random_tower

HEAD_WIDTH = 64


@dataclass(frozen=True)
class Sizes:
    """The sizes of a CLIP: `dim` of the common space, `size` and `patch` in pixels (a ResNet has no
    patches), `width` and `layers` of the image tower (four numbers for a ResNet), `context` and `vocab` in
    tokens, width and layers of the text tower."""

    dim: int
    size: int
    patch: int
    width: int
    layers: int | tuple[int, ...]
    context: int
    vocab: int
    text_width: int
    text_layers: int


def build_sized(sizes: Sizes, weights: str | None) -> TwoTower:
    """A tower of these sizes, its heads 64 wide, in float32.

    `weights` is a file, or "random" for a draw from a fixed seed. Raises ConfigError for sizes that make no
    CLIP, and DataError for weights that are not given or do not fit.
    """
    config = _config(sizes)
    if weights == "random":
        return random_tower(config)
    if weights is None:
        raise DataError(
            "the backbone clip(...) has no weights of its own", "Add --weights clip=FILE, or clip=random."
        )
    return load_tower(config, expand(weights))


def _config(sizes: Sizes) -> dict[str, Any]:
    """The arguments of `open_clip.CLIP`."""
    _require_sense(sizes)
    vision = {
        "image_size": sizes.size,
        "width": sizes.width,
        "layers": sizes.layers,
        "head_width": HEAD_WIDTH,
    }
    text = {"context_length": sizes.context, "vocab_size": sizes.vocab, "width": sizes.text_width}
    return {
        "embed_dim": sizes.dim,
        "quick_gelu": True,
        "vision_cfg": vision if isinstance(sizes.layers, tuple) else vision | {"patch_size": sizes.patch},
        "text_cfg": text | {"heads": sizes.text_width // HEAD_WIDTH, "layers": sizes.text_layers},
    }


def _require_sense(sizes: Sizes) -> None:
    """Raise ConfigError for what is no positive whole number, and for widths that make no whole heads."""
    layers = sizes.layers if isinstance(sizes.layers, tuple) else (sizes.layers,)
    resnet = isinstance(sizes.layers, tuple)
    numbers = [*astuple(replace(sizes, layers=1)), *layers]
    whole = all(type(n) is int and n >= 1 for n in numbers) and len(layers) == (4 if resnet else 1)
    # A ResNet's last stage is 32 times as wide as its first, and its image 32 times as large as its last map.
    if whole and resnet:
        whole = sizes.size % 32 == 0 and sizes.width * 32 % HEAD_WIDTH == 0
    elif whole:
        whole = sizes.size % sizes.patch == 0 and sizes.width % HEAD_WIDTH == 0
    if not whole or sizes.text_width % HEAD_WIDTH:
        raise ConfigError(
            f"these sizes make no CLIP: {sizes}",
            "Widths are multiples of 64, and the image's side is one of the patch (of 32 for a ResNet).",
        )
