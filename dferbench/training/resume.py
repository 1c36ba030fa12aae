"""The state of a run in training, from which it resumes: one file, written whole after every epoch."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dferbench.errors import ConfigError
from dferbench.experiment.record import Epoch
from dferbench.files import write_atomic

NAME = "state.pt"


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


def save(state: State, folder: Path) -> Path:
    """Write the state atomically and return its path. Raises DferbenchError if it cannot be written."""
    buffer = io.BytesIO()
    content = {**vars(state), "curve": json.dumps([row.model_dump() for row in state.curve])}
    torch.save(content, buffer)
    path = folder / NAME
    write_atomic(path, buffer.getvalue())
    return path


def load(folder: Path) -> State | None:
    """The saved state, or None if there is none. Raises ConfigError if it is damaged."""
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        curve = [Epoch.model_validate(row) for row in json.loads(content.pop("curve"))]
        # States of earlier versions also hold the schedule's, which is not needed any more.
        content.pop("schedule", None)
        return State(curve=curve, **content)
    except Exception as error:
        raise ConfigError(f"{path} cannot be read: {error}", "Add --force to start the run again.") from error
