"""Taking over what the authors' code saved: a CLIP, whole or without its text tower, the temporal model and
its scale; no classes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from dferbench import Converted, DataError
from dferbench.data.official import MAFW_ORDER
from dferbench.models import LAYER_IN_FILES
from dferbench_methods.emoclip.model import HEADS
from dferbench_methods.layers.official import agreed, need

METHOD = "EmoCLIP"
LAYER = "temporal.temporal_transformer.layers"
OURS = (
    ("tower.logit_scale", "backbone.logit_scale"),
    ("tower.image.", "backbone.visual."),
    ("tower.text.", "backbone."),
    ("temporal.cls_token", "temporal.cls_token"),
    ("temporal.pos_embedding", "temporal.pos_embedding"),
    ("logit_scale", "logit_scale"),
)
"""How the names of our model begin, and those of the released code; the first that fits is meant."""
IMAGE_ALONE = (("tower.image.", "backbone."), *OURS[3:])
"""The same in a file of the code's classifier for another task, whose backbone is the image tower."""
TEXT = tuple(
    f"backbone.{part}"
    for part in ("token_embedding.", "positional_embedding", "transformer.", "ln_final.", "text_projection")
)
"""How the names of CLIP's text tower begin."""


def convert(state: dict[str, Tensor], given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """The checkpoint in our terms; see `dferbench.Method.convert`.

    Layers and the width of heads are read off the shapes. Classes and their texts are in no file, as the
    model compares a video with any text: MAFW's eleven and dferbench's own descriptions, unless the user
    says otherwise, and the notes say which.
    """
    layers, head_dim = _temporal_of(state)
    alone = _image_alone(state)
    pairs = (*(IMAGE_ALONE if alone else OURS), *_layer_names(layers))
    missing = _missing(state, alone)
    return Converted(
        options=agreed({"layers": layers, "head_dim": head_dim}, given),
        classes=classes or MAFW_ORDER,
        state={_ours(name, pairs): tensor for name, tensor in state.items()},
        notes=(
            _about_classes(classes),
            _about_texts(given),
            f"It is taken to have {HEADS} heads: shapes do not say it.",
            *([ABOUT_MISSING] if missing else []),
        ),
        names=pairs,
        missing=missing,
    )


ABOUT_MISSING = (
    "The file lacks CLIP's text tower, which never learned: its weights are those of the backbone, as is the "
    "scale of the logits where that is missing, too."
)


def _image_alone(state: Mapping[str, Tensor]) -> bool:
    """Whether the backbone is the image tower, as in the file that the authors offer for download."""
    alone = "backbone.conv1.weight" in state
    if alone and "backbone.visual.conv1.weight" in state:
        raise DataError(
            "it holds the image tower alone ('backbone.conv1.weight') and within a CLIP "
            "('backbone.visual.conv1.weight')",
            f"Is it a checkpoint of {METHOD}?",
        )
    return alone


def _missing(state: Mapping[str, Tensor], alone: bool) -> tuple[str, ...]:
    """How the names of ours begin that a file without a text tower leaves to the backbone; one that has any
    of it must have all."""
    if not alone and any(name.startswith(TEXT) for name in state):
        need(state, "backbone.token_embedding.weight", 2, METHOD)
        return ()
    scales = () if "logit_scale" in state else ("logit_scale",)
    return ("tower.text.", "tower.logit_scale", *scales)


def _temporal_of(state: Mapping[str, Tensor]) -> tuple[int, int]:
    """The number of layers, and how wide their heads are."""
    numbers = {int(match[1]) for name in state if (match := re.match(rf"{LAYER}\.(\d+)\.", name))}
    name = f"{LAYER}.0.{LAYER_IN_FILES['attention.qkv']}.weight"
    rows = need(state, name, 2, METHOD).shape[0]
    head_dim, rest = divmod(rows, 3 * HEADS)
    if rest or not head_dim:
        raise DataError(f"'{name}' has {rows} rows, not 3 for each of {HEADS} heads", "Fetch it again.")
    return len(numbers), head_dim


def _layer_names(layers: int) -> list[tuple[str, str]]:
    return [
        (f"temporal.blocks.{i}.{ours}.", f"{LAYER}.{i}.{theirs}.")
        for i in range(layers)
        for ours, theirs in LAYER_IN_FILES.items()
    ]


def _ours(name: str, pairs: tuple[tuple[str, str], ...]) -> str:
    """Our name of a tensor. Raises DataError for one that the released code does not save."""
    for ours, theirs in pairs:
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    raise DataError(
        f"'{name}' is not a tensor of {METHOD}'s released code", f"Is it a checkpoint of {METHOD}?"
    )


def _about_classes(given: tuple[str, ...]) -> str:
    if given:
        return "The classes were named by the user: the file has none."
    return "The classes are MAFW's eleven: the file has none. --classes a,b,c names others."


def _about_texts(given: Mapping[str, Any]) -> str:
    if "text" in given:
        return f"The class texts, text={given['text']}, were given by the user: the file has none."
    return (
        "The class texts are dferbench's own, not the authors': the file has none. text=FILE.toml is yours."
    )
