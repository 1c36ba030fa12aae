"""Taking over what the authors' code saved: its names, what its shapes say, and the texts in its prompts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from dferbench import ConfigError, Converted, DataError
from dferbench.data.official import CLASSES
from dferbench_methods.dfer_clip.recover import recover_texts
from dferbench_methods.dfer_clip.shapes import backbone_of, need, temporal_of

State = Mapping[str, Tensor]
ORDER = {count: CLASSES[:count] for count in (7, 11)}
"""The classes of the released lists by their number: DFEW and FERV39k, and MAFW."""
OURS = (
    ("tower.image.", "image_encoder."),
    ("tower.text.token_embedding.", "clip_model_.token_embedding."),
    ("tower.text.", "text_encoder."),
    ("tower.logit_scale", "clip_model_.logit_scale"),
    ("temporal.cls_token", "temporal_net.cls_token"),
    ("temporal.pos_embedding", "temporal_net.pos_embedding"),
    ("prompt.context", "prompt_learner.ctx"),
)
"""How the names of our model begin, and those of the released code."""
BLOCK = (
    ("norm1.", "0.fn.norm."),
    ("attention.qkv.", "0.fn.fn.to_qkv."),
    ("attention.out.", "0.fn.fn.to_out.0."),
    ("norm2.", "1.fn.norm."),
    ("mlp.0.", "1.fn.fn.net.0."),
    ("mlp.2.", "1.fn.fn.net.3."),
)
"""The same within a block of the temporal model."""


def convert(state: dict[str, Tensor], given: dict[str, Any], classes: tuple[str, ...]) -> Converted:
    """The checkpoint in our terms; see `dferbench.Method.convert`.

    Depth, words, shared or not, the number of classes and the sizes of the towers are read off the shapes,
    the texts off the embedded prompts. Where the text stands (`position`) and what the classes are called
    is in no file: the first is "end" and the second the order of the released lists unless the user says
    otherwise, and the notes say which.
    """
    state = _without_aliases(state)
    names, about_names = _classes(len(need(state, "prompt_learner.token_suffix", 3)), classes)
    text, about_text = recover_texts(state, names, given.get("text"))
    temporal, about_heads = temporal_of(state)
    options: dict[str, Any] = {
        "backbone": backbone_of(state),
        "temporal": temporal,
        **_words_of(state),
        "text": text,
    }
    pairs = (*OURS, *_block_names(state))
    return Converted(
        options={**options, **given},
        classes=names,
        state={
            _ours(name, pairs): tensor for name, tensor in state.items() if "prompt_learner.token" not in name
        },
        notes=(_about_position(given), about_names, about_text, *about_heads),
        frames=need(state, "temporal_net.pos_embedding", 3).shape[1] - 1,
        names=pairs,
    )


def _without_aliases(state: State) -> dict[str, Tensor]:
    """The file holds the towers twice, as parts and as the whole CLIP: the parts, if both say the same."""
    kept = {name: tensor for name, tensor in state.items() if not name.startswith("clip_model_.")}
    for name, tensor in state.items():
        if not name.startswith("clip_model_."):
            continue
        alias = _alias(name)
        if alias != name and not need(state, alias, tensor.ndim).equal(tensor):
            raise DataError(f"'{alias}' and '{name}' differ, but should be one tensor", "Fetch it again.")
        kept[alias] = tensor
    return kept


def _alias(name: str) -> str:
    """Under which name a tensor of `clip_model_` also stands."""
    rest = name.removeprefix("clip_model_.")
    if rest.startswith("visual."):
        return "image_encoder." + rest.removeprefix("visual.")
    alone = rest.startswith("token_embedding.") or rest == "logit_scale"
    return name if alone else f"text_encoder.{rest}"


def _words_of(state: State) -> dict[str, Any]:
    """How many learned words, and whether all classes share them: (M, width), or (C, M, width)."""
    context = state.get("prompt_learner.ctx")
    if context is None or context.ndim not in (2, 3):
        context = need(state, "prompt_learner.ctx", 3)
    return {"words": context.shape[-2], "shared": context.ndim == 2}


def _block_names(state: State) -> list[tuple[str, str]]:
    numbers = [re.match(r"temporal_net\.temporal_transformer\.layers\.(\d+)\.", name) for name in state]
    return [
        (f"temporal.blocks.{i}.{ours}", f"temporal_net.temporal_transformer.layers.{i}.{theirs}")
        for i in sorted({int(match[1]) for match in numbers if match})
        for ours, theirs in BLOCK
    ]


def _ours(name: str, pairs: tuple[tuple[str, str], ...]) -> str:
    """Our name of a tensor. Raises DataError for one that the released code does not save."""
    for ours, theirs in pairs:
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    raise DataError(
        f"'{name}' is not a tensor of DFER-CLIP's released code", "Is it a checkpoint of another method?"
    )


def _classes(count: int, given: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """The classes' names in order, and in words where they come from."""
    if given and len(given) != count:
        raise ConfigError(
            f"{len(given)} classes were named, and the checkpoint has {count}", "Name them all."
        )
    if given:
        return given, "The classes were named by the user."
    if count not in ORDER:
        raise ConfigError(
            f"the checkpoint has {count} classes, whose names it does not say",
            "Name them in the order of its labels: --classes a,b,c.",
        )
    return ORDER[count], f"The classes are assumed to be the {count} of the released lists, in their order."


def _about_position(given: Mapping[str, Any]) -> str:
    if "position" in given:
        return f"position={given['position']} was stated by the user: the file does not say it."
    return "position=end is assumed, as in the released scripts: the file does not say it."
