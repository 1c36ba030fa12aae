"""The state of a run in training, from which it resumes: one file, replaced as a whole.

Its first line is JSON: whose state it is, and the sha256 of that and of what follows, which torch wrote. So a
state that changed on the disk, or that lies in the folder of another run, is not trained on.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from dferbench.errors import ConfigError
from dferbench.experiment.record import STATE, Epoch, Record
from dferbench.files import from_json, write_atomic

NAME = STATE
REFUSED = "state.pt.refused"
OWNED_BY = ("method", "dataset", "config_id", "data", "fold", "seed")
"""The fields of a record that say whose a state is."""
FIRST_LINE = 10_000
"""More bytes than the first line has."""
Owner: TypeAlias = "Mapping[str, Any]"


@dataclass(frozen=True)
class State:
    """How far a run has come: the trained parameters, the optimizer and the curve so far.

    Learning rates and everything random follow from the number of epochs, and are not saved.
    """

    stage: int
    epochs: int
    """How many epochs of that stage are done."""
    learned: dict[str, Tensor]
    optimizer: dict[str, Any]
    curve: list[Epoch]
    skipped: list[str]
    predictions: Tensor | None = None
    """Of the test videos after each epoch, (E, N, C) float16, where they are kept."""


def learned(model: nn.Module, ever_trained: set[str]) -> dict[str, Tensor]:
    """What differs from a freshly built model: the parameters that any stage trains, and every buffer.

    Frozen parameters are left out: building the model gives them again, and CLIP has hundreds of megabytes.
    """
    frozen = {name for name, _ in model.named_parameters()} - ever_trained
    return {name: tensor for name, tensor in model.state_dict().items() if name not in frozen}


def restore(model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Load saved tensors into a freshly built model. Raises ConfigError if they do not fit it."""
    result = model.load_state_dict(tensors, strict=False)
    if result.unexpected_keys:
        raise ConfigError(
            f"the saved state holds '{result.unexpected_keys[0]}', which this model lacks",
            "The plugin changed since; add --force to start the run again.",
        )


def copied(thing: Any) -> Any:
    """The same mappings, lists and values, with every tensor a copy in the host's memory."""
    if isinstance(thing, Tensor):
        return thing.detach().to("cpu", copy=True)
    if isinstance(thing, Mapping):
        return {key: copied(value) for key, value in thing.items()}
    return [copied(value) for value in thing] if isinstance(thing, list) else thing


def owner_of(record: Record) -> Owner:
    """Whose state a run's is."""
    return {name: getattr(record, name) for name in OWNED_BY}


def save(state: State, folder: Path, owner: Owner) -> Path:
    """Write the state atomically and return its path. Raises DferbenchError if it cannot be written."""
    content = {**vars(state), "curve": json.dumps([row.model_dump() for row in state.curve])}
    if state.predictions is None:
        del content["predictions"]
    buffer = io.BytesIO()
    begin = buffer.write(_first_line(owner, "0" * 64))  # its place: the state may be large, and is held once
    torch.save(content, buffer)
    path = folder / NAME
    # A view that outlives the buffer is complained of on stderr by some Pythons.
    with buffer.getbuffer() as whole:
        with whole[begin:] as state_itself:
            whole[:begin] = _first_line(owner, _sha256(owner, state_itself))
        write_atomic(path, whole)
    return path


def _first_line(owner: Owner, sha256: str) -> bytes:
    return json.dumps({"owner": owner, "sha256": sha256}).encode() + b"\n"


def _sha256(owner: Owner, content: bytes | memoryview) -> str:
    found = hashlib.sha256(json.dumps(owner, sort_keys=True).encode())
    found.update(content)
    return found.hexdigest()


def load(folder: Path, owner: Owner) -> State | None:
    """The saved state, or None if there is none. Raises ConfigError if it is damaged or another run's."""
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        content = torch.load(io.BytesIO(_proved(path, owner)), map_location="cpu", weights_only=True)
        curve = [Epoch.model_validate(row) for row in json.loads(content.pop("curve"))]
        # States of earlier versions also hold the schedule's, which is not needed any more.
        content.pop("schedule", None)
        return State(curve=curve, **content)
    except Exception as error:
        raise ConfigError(f"{path} cannot be read: {error}", "Add --force to start the run again.") from error


def set_aside(folder: Path, owner: Owner) -> str:
    """Rename a state that is damaged or another run's, and return why; "" if there is none such.

    It is kept, as it may be all that is left of another run; without it this run begins anew.
    """
    path = folder / NAME
    if not path.is_file():
        return ""
    try:
        _proved(path, owner)
    except ValueError as error:
        path.replace(folder / REFUSED)
        return str(error)
    return ""


def _proved(path: Path, owner: Owner) -> bytes:
    """What torch wrote, if it is what was saved, by this run. Raises ValueError if not.

    States of earlier releases name no owner, and prove themselves by the checksums of their archive alone.
    """
    with path.open("rb") as file:
        begin = file.read(2)
        file.seek(0)
        first = b"" if begin == b"PK" else file.readline(FIRST_LINE)
        content = file.read()
    if not first:
        _require_whole(content)
        return content
    stated = _stated(first)
    if stated.get("sha256") != _sha256(stated.get("owner", {}), content):
        raise ValueError("it is damaged: its content is not what its checksum states")
    theirs = stated["owner"]
    if others := [name for name in owner if theirs.get(name) != owner[name]]:
        words = ", ".join(f"{name} {theirs.get(name)}, not {owner[name]}" for name in others)
        raise ValueError(f"it is the state of another run ({words})")
    return content


def _stated(first: bytes) -> dict[str, Any]:
    try:
        stated = from_json(first)
    except ValueError:
        stated = None
    if not isinstance(stated, dict) or not isinstance(stated.get("owner"), dict):
        raise ValueError("it is damaged: it does not begin as a state does")
    return stated


def _require_whole(content: bytes) -> None:
    """The archive of an earlier release has a checksum of each of its files. Raises ValueError."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            bad = archive.testzip()
    except Exception:  # zipfile and zlib raise many kinds for a damaged archive
        bad = NAME
    if bad is not None:
        raise ValueError("it is damaged: its content is not what its checksums state")
