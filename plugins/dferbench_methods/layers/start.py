"""Starting from weights that somebody else trained, given as a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from dferbench import DataError, expand, sha256_of
from dferbench.models import load_some, read_foreign

HINT = "Are the file and the method's options of one network?"
COUNTER = ".num_batches_tracked"
"""Batch norm counts its batches; files of torch before 0.4.1 do not, and nothing here reads the count."""


def start_from(
    model: nn.Module,
    file: str,
    called: Callable[[str], str] = str,
    classifier: str | tuple[str, ...] = "fc.",
    used: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]] = dict,
) -> dict[str, Any]:
    """Give the model the tensors of `file`, and return what its `notes` should say of them.

    `called` gives a tensor's name in the file for its name in the model; `used` leaves out of the file's
    tensors what the code that saved them never reads. Those whose names begin with `classifier`, or with one
    of several, are left out too unless the model has a place of their shape for each; any other tensor that
    is missing, unexpected or misshapen is a DataError that names it. Without a file nothing is loaded.
    """
    if not file:
        return {"weights": "from scratch"}
    path = expand(file)
    return started(model, used(read_foreign(path)), path, called, classifier)


def started(
    model: nn.Module,
    state: Mapping[str, Tensor],
    path: Path,
    called: Callable[[str], str] = str,
    classifier: str | tuple[str, ...] = "fc.",
) -> dict[str, Any]:
    """The same with the file's tensors already read."""
    own = {called(name): name for name in model.state_dict()}
    theirs = {ours: name for name, ours in own.items()}
    kept = _keeps_classifier(model, own, state, classifier)
    given = {n: t for n, t in state.items() if kept or not n.startswith(classifier)}
    _require_all(own, given, path, "" if kept else classifier)
    load_some(
        model,
        {own.get(name, name): tensor for name, tensor in given.items()},
        str(path),
        HINT,
        lambda name: theirs.get(name, name),
    )
    return {
        "weights": {"file": path.name, "sha256": sha256_of(path)},
        "classifier": "from the file" if kept else "from scratch",
    }


def _keeps_classifier(
    model: nn.Module,
    own: Mapping[str, str],
    state: Mapping[str, Tensor],
    classifier: str | tuple[str, ...],
) -> bool:
    """Whether the file's classifier is the model's: the same tensors of the same shapes."""
    places = model.state_dict()
    ours = {name: places[mine].shape for name, mine in own.items() if name.startswith(classifier)}
    theirs = {name: tensor.shape for name, tensor in state.items() if name.startswith(classifier)}
    return bool(ours) and ours == theirs


def _require_all(
    own: Mapping[str, str], given: Mapping[str, Tensor], path: Path, without: str | tuple[str, ...]
) -> None:
    """Every tensor of the model is in the file, but for the classifier where it is left out."""
    for name in own:
        left_out = bool(without) and name.startswith(without)
        if name not in given and not left_out and not name.endswith(COUNTER):
            raise DataError(f"{path} lacks the weights '{name}'", HINT)
