"""From a checkpoint to a model that predicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dferbench.checkpoints.format import Header
from dferbench.checkpoints.official import Said
from dferbench.checkpoints.read import Checkpoint, read_checkpoint
from dferbench.errors import ConfigError, DataError
from dferbench.files import expand
from dferbench.models import Classifier
from dferbench.models.bounded import Bounded
from dferbench.models.build import make_model
from dferbench.models.loading import load_exactly, load_some
from dferbench.models.parts import Parts
from dferbench.registry.catalog import Catalog, Entry
from dferbench.registry.options import options_of
from dferbench.types import Input, Task

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Used = dict[str, dict[str, Any]]
ROOM, ROOM_OF_BACKBONES = 10**9, 3 * 10**9
"""Bytes that a model may take beyond four times its file: what is built and not kept, and backbones whose
weights lie elsewhere (CLIP ViT-L/14 has 1.7 GB)."""
START = "weights"
"""The option, "" by default, by which methods name a file to start from."""


@dataclass(frozen=True)
class Opened:
    """A model with its trained weights, in eval mode on the device, and what belongs to it.

    `classes` are in the order of its logits; `input.size` is a number of pixels; `facts` is what a record
    says of the checkpoint (its "caveats" say what its results are worth), `weights` what it says of the
    backbones.
    """

    model: Classifier
    input: Input
    classes: tuple[str, ...]
    method: Entry
    facts: dict[str, Any]
    weights: Used


def open_checkpoint(
    path: Path,
    catalog: Catalog,
    fabric: Fabric,
    *,
    model: str = "",
    sets: Mapping[str, str] | None = None,
    weights: Mapping[str, str] | None = None,
    classes: Sequence[str] = (),
) -> Opened:
    """The model of a checkpoint, ready to predict: `read_checkpoint`, then `restore`, with their errors."""
    said = Said(classes=tuple(classes))
    checkpoint = read_checkpoint(path, catalog, model=model, sets=sets, said=said)
    return restore(checkpoint, catalog, fabric, weights)


def restore(
    checkpoint: Checkpoint, catalog: Catalog, fabric: Fabric, weights: Mapping[str, str] | None = None
) -> Opened:
    """Build the checkpoint's model and give it its tensors.

    A file that holds all tensors needs nothing else. One that holds what learned needs the backbones' weights
    as the run had them: found where the run found them, or named in `weights` (NAME -> file). An official
    file that lacks part of a backbone is completed from that backbone's weights.
    Raises DataError for tensors that do not fit and for weights that are missing or others than the run's.
    """
    whole = checkpoint.header.holds == "all" and not checkpoint.missing
    how = _completed if checkpoint.missing else _whole if whole else _learned
    model, parts = how(checkpoint, catalog, weights or {})
    fabric.to_device(model.eval())
    used = _origin(checkpoint, parts) if whole else parts.used
    classes = tuple(checkpoint.header.classes)
    return Opened(model, checkpoint.recipe.input, classes, checkpoint.method, checkpoint.facts, used)


def _whole(checkpoint: Checkpoint, catalog: Catalog, weights: Mapping[str, str]) -> tuple[Classifier, Parts]:
    if weights:
        raise ConfigError(f"{checkpoint.path} holds all weights of its model", "Leave --weights out.")
    # Every number of the draw is overwritten, so nothing is fetched for it.
    parts = Parts(catalog, missing="random")
    model = _build(checkpoint, parts, start=False)
    hint = "Is the file whole, and are the options those that it was trained with?"
    load_exactly(model, checkpoint.state, str(checkpoint.path), hint, checkpoint.called)
    return model, parts


def _completed(
    checkpoint: Checkpoint, catalog: Catalog, weights: Mapping[str, str]
) -> tuple[Classifier, Parts]:
    """The model of an official file, with what that file lacks from the backbone's own weights."""
    for name in weights:
        catalog.get("backbones", name)
    parts = Parts(catalog, weights)
    model = _build(checkpoint, parts, start=False)
    parts.require_used()
    given = {n: tensor for n, tensor in model.state_dict().items() if n.startswith(checkpoint.missing)}
    hint = "Is the file whole, and are the options those that it was trained with?"
    state = {**given, **checkpoint.state}
    load_exactly(model, state, str(checkpoint.path), hint, checkpoint.called)
    return model, parts


def _learned(
    checkpoint: Checkpoint, catalog: Catalog, weights: Mapping[str, str]
) -> tuple[Classifier, Parts]:
    for name in weights:
        catalog.get("backbones", name)
    parts = Parts(catalog, {**_as_in_the_run(checkpoint.header), **weights})
    model = _without_start(checkpoint, parts) or _build(checkpoint, parts)
    parts.require_used()
    _require_same_weights(checkpoint, parts)
    hint = "The plugin changed since the run; use the version that the record names."
    load_some(model, checkpoint.state, str(checkpoint.path), hint)
    return model, parts


def _without_start(checkpoint: Checkpoint, parts: Parts) -> Classifier | None:
    """The model without the file that it started from, where that is gone and all it gave has learned since.

    None where the file is there, or is needed: its numbers stayed in a tensor that may learn as built.
    """
    file = _start_of(checkpoint)
    if not file or expand(file).is_file():
        return None
    model = _build(checkpoint, parts, start=False)
    constant = {name for name, tensor in model.named_parameters() if not tensor.requires_grad}
    return model if set(model.state_dict()) - constant <= set(checkpoint.state) else None


def _start_of(checkpoint: Checkpoint) -> str:
    """The file that the model started from; "" for none, and where the option means something else."""
    field = options_of(checkpoint.method.value).model_fields.get(START)
    return str(checkpoint.header.options.get(START, "")) if field and field.default == "" else ""


def _build(checkpoint: Checkpoint, parts: Parts, start: bool = True) -> Classifier:
    """The model as it was before training; without `start`, from no file of weights either."""
    header = checkpoint.header
    options = header.options if start or not _start_of(checkpoint) else {**header.options, START: ""}
    assert isinstance(header.input.size, int)
    task = Task(header.dataset, tuple(header.classes), header.input.frames, header.input.size)
    with Bounded(_most_bytes(checkpoint), str(checkpoint.path)):
        return make_model(checkpoint.method, task, options, parts, header.seed)


def _most_bytes(checkpoint: Checkpoint) -> int:
    """What the tensors of the model may take: of the order of the file, or of a large backbone next to it."""
    beside = ROOM if checkpoint.header.holds == "all" and not checkpoint.missing else ROOM_OF_BACKBONES
    return 4 * checkpoint.path.stat().st_size + beside


def _origin(checkpoint: Checkpoint, parts: Parts) -> Used:
    """What a record says of the backbones when the checkpoint itself brought their weights."""
    own = {"source": checkpoint.path.name, "sha256": checkpoint.sha256, "random": False}
    return checkpoint.header.weights or {name: own for name in parts.used}


def _as_in_the_run(header: Header) -> dict[str, str]:
    """Each backbone's weights where the run found them; what is not a file there has its own source."""
    found = {
        name: "random" if used.get("random") else str(used.get("source"))
        for name, used in header.weights.items()
    }
    return {name: text for name, text in found.items() if text == "random" or Path(text).is_file()}


def _require_same_weights(checkpoint: Checkpoint, parts: Parts) -> None:
    for name, used in parts.used.items():
        stated = checkpoint.header.weights.get(name, {}).get("sha256", "")
        if used["sha256"] != stated:
            raise DataError(
                f"{checkpoint.path} was trained on {_called(stated)} of {name}, but {used['source']} is "
                f"{_called(used['sha256'])}",
                f"Give the file that the run used: --weights {name}=FILE.",
            )


def _called(sha256: str) -> str:
    return f"weights with the sha256 {sha256[:12]}..." if sha256 else "random weights"
