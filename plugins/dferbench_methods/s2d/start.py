"""Starting from a file: an image model, with prompts or without, or all of a trained S2D."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from dferbench import expand
from dferbench.models import read_foreign
from dferbench_methods.layers.start import started
from dferbench_methods.s2d.names import in_file

HEAD = "head."
TIME = "temporal_embedding"
ADAPTER = ".TMA."
PROMPTS = ("prompt_blocks.", "prompt_norms.", "patch_embed_prompt.")


def start(model: nn.Module, file: str) -> dict[str, Any]:
    """Give the model the tensors of `file`, and return what its `notes` should say of them.

    Takes what timm calls ViT-B/16, whatever it was trained on, the released image model, which has prompts
    too, and a checkpoint of the released code. An image model lacks what learns from videos, which then
    starts anew. Parts of the file that this model does not know of, such as a landmark network, are left out
    and named in the notes; anything else that is missing, unexpected or misshapen is a DataError.
    """
    if not file:
        return {"weights": "from scratch"}
    path = expand(file)
    state = in_terms_of_s2d(read_foreign(path))
    own = [in_file(name) for name in model.state_dict()]
    parts = {_part(name) for name in own}
    known = {name: tensor for name, tensor in state.items() if _part(name) in parts}
    absent = _absent(own, known)
    notes = started(model, known, path, in_file, (HEAD, *absent))
    anew = sorted({_group(name) for name in absent})
    left_out = sorted({_part(name) for name in state} - parts)
    return {**notes, **{k: v for k, v in (("anew", anew), ("left_out", left_out)) if v}}


def in_terms_of_s2d(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The last norm of an image model is that of the class token here."""
    return {
        f"ln_post.{name.removeprefix('norm.')}" if name.startswith("norm.") else name: tensor
        for name, tensor in state.items()
    }


def _absent(own: list[str], state: Mapping[str, Tensor]) -> tuple[str, ...]:
    """The model's tensors that an image model may lack, and this one lacks: all of a group or none."""
    groups = {_group(name) for name in state}
    if groups & {"adapters", "temporal"}:
        return ()
    return tuple(name for name in own if _group(name) and _group(name) not in groups)


def _group(name: str) -> str:
    """What is there or not there together; "" for what every file has."""
    if ADAPTER in name:
        return "adapters"
    if name.startswith(TIME):
        return "temporal"
    return "prompts" if name.startswith(PROMPTS) else ""


def _part(name: str) -> str:
    return name.split(".", 1)[0]
