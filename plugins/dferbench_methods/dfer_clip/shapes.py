"""What the shapes in a checkpoint of the released code say about the model."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from dferbench import DataError

State = Mapping[str, Tensor]
KNOWN = {
    "clip-vit-b32": {"dim": 512, "size": 224, "patch": 32, "width": 768, "layers": 12},
    "clip-vit-b16": {"dim": 512, "size": 224, "patch": 16, "width": 768, "layers": 12},
}
TEXT = {"context": 77, "vocab": 49408, "text_width": 512, "text_layers": 12}
"""The text tower that both have."""
LAYER = "temporal_net.temporal_transformer.layers."
HEAD_WIDTH = 64


def need(state: State, name: str, dimensions: int) -> Tensor:
    """The tensor of that name. Raises DataError if it is missing or has another number of dimensions."""
    if name not in state:
        raise DataError(
            f"it lacks the weights '{name}'", "Is it a whole checkpoint of DFER-CLIP's released code?"
        )
    if state[name].ndim != dimensions or not state[name].numel():
        raise DataError(
            f"'{name}' is of shape {list(state[name].shape)}, not of {dimensions} dimensions",
            "Fetch it again.",
        )
    return state[name]


def backbone_of(state: State) -> str:
    """The backbone, by its name if it is one of OpenAI's, else as `clip(...)` with its sizes.

    Heads are 64 wide, as OpenAI's builder takes for granted.
    """
    vision = _transformer(state) if "image_encoder.proj" in state else _resnet(state)
    text = {
        "context": need(state, "text_encoder.positional_embedding", 2).shape[0],
        "vocab": need(state, "clip_model_.token_embedding.weight", 2).shape[0],
        "text_width": need(state, "text_encoder.ln_final.weight", 1).shape[0],
        "text_layers": _count(state, r"text_encoder\.transformer\.resblocks\.(\d+)\."),
    }
    sizes = {"dim": need(state, "text_encoder.text_projection", 2).shape[-1], **vision}
    name = next((name for name, known in KNOWN.items() if known == sizes and text == TEXT), None)
    return name or _spec("clip", {**sizes, **text})


def _transformer(state: State) -> dict[str, Any]:
    kernel = need(state, "image_encoder.conv1.weight", 4)
    return {
        "size": _side(state, "image_encoder.positional_embedding") * kernel.shape[-1],
        "patch": kernel.shape[-1],
        "width": kernel.shape[0],
        "layers": _count(state, r"image_encoder\.transformer\.resblocks\.(\d+)\."),
    }


def _resnet(state: State) -> dict[str, Any]:
    stages = tuple(_count(state, rf"image_encoder\.layer{i}\.(\d+)\.") for i in (1, 2, 3, 4))
    return {
        "size": _side(state, "image_encoder.attnpool.positional_embedding") * 32,
        "width": need(state, "image_encoder.layer1.0.conv1.weight", 4).shape[0],
        "layers": stages,
    }


def _side(state: State, name: str) -> int:
    """How many patches stand side by side: all but the class token's place make a square."""
    places = need(state, name, 2).shape[0] - 1
    side = math.isqrt(max(places, 0))
    if side < 1 or side * side != places:
        raise DataError(f"'{name}' has {places + 1} rows, not one more than a square", "Fetch it again.")
    return side


def _count(state: State, pattern: str) -> int:
    found = {int(match[1]) for match in (re.match(pattern, name) for name in state) if match}
    return len(found)


def temporal_of(state: State) -> tuple[str, Iterable[str]]:
    """The temporal head, and in words what its shapes leave open."""
    depth = _count(state, re.escape(LAYER) + r"(\d+)\.")
    if depth < 1:
        raise DataError("its temporal model has no layer, so all videos look alike", "Take another one.")
    dim = need(state, "temporal_net.cls_token", 3).shape[-1]
    inner, rest = divmod(need(state, f"{LAYER}0.0.fn.fn.to_qkv.weight", 2).shape[0], 3)
    ratio, odd = divmod(need(state, f"{LAYER}0.1.fn.fn.net.0.weight", 2).shape[0], dim)
    if rest or odd or (inner % HEAD_WIDTH and inner % 8):
        raise DataError(
            f"the temporal model's layer 0 has sizes that do not go together: dim {dim}, attention {inner}",
            "Fetch it again.",
        )
    # The released code has 8 heads of 64; where the product differs, the width of a head is kept.
    heads = inner // HEAD_WIDTH if inner % HEAD_WIDTH == 0 else 8
    sizes = {"depth": depth, "heads": heads, "head_dim": inner // heads, "mlp_ratio": ratio}
    usual = {"depth": 1, "heads": 8, "head_dim": HEAD_WIDTH, "mlp_ratio": 2}
    changed = {name: value for name, value in sizes.items() if value != usual[name]}
    open_ = inner != 8 * HEAD_WIDTH
    note = f"The temporal model is assumed to have {heads} heads of {inner // heads}: shapes do not say it."
    return _spec("cls-transformer", changed), [note] if open_ else []


def _spec(name: str, options: Mapping[str, Any]) -> str:
    listed = ", ".join(f"{key}={value}" for key, value in options.items())
    return f"{name}({listed})" if listed else name
