"""What the released code calls the tensors, and starting from the files that it saves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from dferbench import expand
from dferbench.models import read_foreign
from dferbench_methods.layers.start import start_from, started

NAMES = {
    "patch": "patch_embed.proj",
    "region_tokens": "lg_region_tokens",
    "attention_norm": "norm1", "attention": "attn",
    "within_norm": "first_attn_norm0", "within": "first_attn",
    "between_norm": "second_attn_norm0", "between": "second_attn",
    "local_norm": "third_attn_norm0", "region_norm": "third_attn_norm1", "reading": "third_attn",
    "mlp_norm": "norm2",
}  # fmt: skip
"""Parts that bear another name there."""
ENCODER = "encoder."
"""What the encoder's tensors begin with in a file of pre-training."""
PRETEXT = ("decoder.", "encoder_to_decoder.", "mask_token", "encoder.norm.")
"""What pre-training needs besides the encoder's blocks, and no classifier does."""


def in_file(name: str) -> str:
    """The released code's name of a tensor of ours."""
    return ".".join(NAMES.get(part, part) for part in name.removeprefix(ENCODER).split("."))


def start(model: nn.Module, weights: str) -> dict[str, Any]:
    """Give the model the tensors of a file, and return what its notes should say of them.

    A file of fine-tuning has them all; its classifier is left out where it is of other classes. A file of
    pre-training has neither classifier nor its norm. Raises DataError.
    """
    if not weights:
        return start_from(model, "")
    path = expand(weights)
    state = read_foreign(path)
    if not any(name.startswith(ENCODER) for name in state):
        return started(model, state, path, in_file, "head.")
    notes = started(model, _encoder(state), path, in_file, ("head.", "fc_norm."))
    return {**notes, "stage": "pre-trained"}


def _encoder(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {n.removeprefix(ENCODER): tensor for n, tensor in state.items() if not n.startswith(PRETEXT)}
