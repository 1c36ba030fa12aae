"""CLIP at any size, by the rules that OpenAI's own builder follows when it reads sizes off a checkpoint."""

from __future__ import annotations

from typing import Any

from dferbench import ConfigError, DataError, expand
from dferbench.models import TwoTower
from dferbench_methods.clip_backbones import SizedOptions
from dferbench_methods.clip_backbones.towers import load_tower, random_tower

HEAD_WIDTH = 64


def build_sized(weights: str | None = None, **options: Any) -> TwoTower:
    """A tower of the sizes in `SizedOptions`, its heads 64 wide, in float32.

    `weights` is a file, or "random" for a draw from a fixed seed. Raises ConfigError for sizes that make no
    CLIP, and DataError for weights that are not given or do not fit.
    """
    config = _config(SizedOptions(**options))
    if weights == "random":
        return random_tower(config)
    if weights is None:
        raise DataError(
            "the backbone clip(...) has no weights of its own", "Add --weights clip=FILE, or clip=random."
        )
    return load_tower(config, expand(weights))


def _config(sizes: SizedOptions) -> dict[str, Any]:
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


def _require_sense(sizes: SizedOptions) -> None:
    """Raise ConfigError for widths that make no whole heads, and for images of no whole patches."""
    # A ResNet's last stage is 32 times as wide as its first, and its image 32 times as large as its last map.
    if isinstance(sizes.layers, tuple):
        whole = sizes.size % 32 == 0 and sizes.width * 32 % HEAD_WIDTH == 0
    else:
        whole = sizes.size % sizes.patch == 0 and sizes.width % HEAD_WIDTH == 0
    if not whole or sizes.text_width % HEAD_WIDTH:
        raise ConfigError(
            f"these sizes make no CLIP: {sizes}",
            "Widths are multiples of 64, and the image's side is one of the patch (of 32 for a ResNet).",
        )
