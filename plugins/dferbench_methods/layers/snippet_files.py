"""Files that a `SnippetTransformer` can start from: the released code's, or a ResNet-18 for its trunk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from dferbench import expand
from dferbench.data.official import canonical
from dferbench.models import read_foreign
from dferbench_methods.layers.snippets import SnippetTransformer
from dferbench_methods.layers.start import start_from, started

CLASSES = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
"""The released code's classes in the order of its labels, which is alphabetical."""
LAST = "classifier.5.0."
"""The released name of the layer that has a row for each class."""
PARTS = {
    "trunk.": "",
    "pool.attention.": "attn.",
    "pool.norm.": "norm1.",
    "transformer.": "transformer.",
    "query": "query_embed.weight",
    "positions": "pos_enc.pos_enc.weight",
    "sort.": "per_branch.classifier.",
    "head.5.": LAST,
    "head.": "classifier.",
}
"""How names begin, here and in the released code; the first that fits is meant."""


def in_file(name: str) -> str:
    """The released code's name of a tensor."""
    ours = next(part for part in PARTS if name.startswith(part))
    return PARTS[ours] + name.removeprefix(ours)


def start(model: SnippetTransformer, file: str, classes: Sequence[str]) -> dict[str, Any]:
    """Give the model a file's tensors, and return what its notes say; see `dferbench_methods.layers.start`.

    A file of the whole network gives its last layer too if its classes are those of the task, row by row to
    the class of that name or of another word for it. Any other file must hold a ResNet-18 with torchvision's
    names for the trunk; its layers "fc" and "feature" are left out. Raises DataError.
    """
    if not file:
        return start_from(model, file)
    path = expand(file)
    state = read_foreign(path)
    if any(name.startswith("transformer.") for name in state):
        return {**started(model, _for_classes(state, classes), path, in_file, LAST), "started": "all of it"}
    trunk = {name: tensor for name, tensor in state.items() if not name.startswith("feature.")}
    return {**started(model.trunk, trunk, path), "started": "the trunk"}


def _for_classes(state: Mapping[str, Tensor], classes: Sequence[str]) -> dict[str, Tensor]:
    """The file's tensors with the rows of its last layer in the task's order, or without that layer."""
    words = [canonical(name) or name for name in classes]
    last = {name: tensor for name, tensor in state.items() if name.startswith(LAST)}
    rest = {name: tensor for name, tensor in state.items() if name not in last}
    if sorted(words) != list(CLASSES) or any(len(tensor) != len(CLASSES) for tensor in last.values()):
        return rest
    rows = [CLASSES.index(name) for name in words]
    return {**rest, **{name: tensor[rows] for name, tensor in last.items()}}
