"""What a checkpoint file says of itself: enough to build its model again, and to know what it is worth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from dferbench.checkpoints.checksum import checksum
from dferbench.data.decoders.bounds import HELD
from dferbench.errors import DataError
from dferbench.experiment.old_records import upgraded_caveats, upgraded_input
from dferbench.files import from_json, write_atomic
from dferbench.models.safetensors_files import KEY, read_metadata, read_tensors
from dferbench.types import Input

SCHEMA = 2
MOST = 4096
"""Frames, and pixels of a side."""


class TrainedOn(BaseModel):
    """Data that a model was trained on: the training part of one fold of a dataset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    fold: int


class Header(BaseModel):
    """The header of a checkpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_: int = Field(SCHEMA, alias="schema")
    method: str
    options: dict[str, Any]
    """Every option of the method, resolved."""
    classes: list[str] = Field(min_length=1)
    """In the order of the logits."""
    input: Input
    input_given: bool = False
    """For a file that was taken over: whether the user stated `input`; else the recipe for the data holds."""
    input_for: dict[str, dict[str, Any]] = {}
    """For such a file: in which fields of `Input` the code that saved it tests otherwise than the recipe, by
    dataset, "" being any."""
    whose: str = ""
    """Whose code that is, where the file tells."""
    also: dict[str, Any] = {}
    """Fields of `Input` that the authors' code has otherwise than the recipe, and that may be stated."""
    precision: str = "fp32"
    holds: Literal["all", "learned"]
    """Whether all tensors of the model are in the file, or those that building does not give again."""
    dataset: str = ""
    """What the run that made it trained on; "" for a file that was taken over."""
    fold: int | None = None
    trained_on: list[TrainedOn] = []
    """What a file that was taken over was trained on, by the user's word; empty if that is not known."""
    seed: int = 0
    """What the model was built from: frozen parts that no weight file gives are drawn from it."""
    config_id: str = ""
    weights: dict[str, dict[str, Any]] = {}
    """Per backbone: where the weights came from, their sha256, and whether they were random."""
    source: dict[str, str] = {}
    """For a file that was taken over: name ("file") and "sha256" of the original."""
    notes: list[str] = []
    """What was assumed or given because the original does not say it."""
    caveats: list[str] = []
    """The caveats of the run that made it; results of the checkpoint carry them too."""
    checksum: str = ""
    """Of the rest of the header and of the tensors; "" in files of earlier releases."""

    @property
    def seen(self) -> list[TrainedOn]:
        """All that is known of the data that the model was trained on."""
        own = [] if self.fold is None else [TrainedOn(dataset=self.dataset, fold=self.fold)]
        return [*own, *self.trained_on]


def write_checkpoint(path: Path, tensors: Mapping[str, Tensor], header: Header) -> None:
    """Write tensors and header as safetensors, atomically. Raises DferbenchError if that cannot be."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    stated = json.loads(header.model_dump_json(by_alias=True))
    proved = {**stated, "checksum": checksum(stated, plain)}
    write_atomic(path, safetensors.torch.save(plain, {KEY: json.dumps(proved)}))


def read_proved(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint of dferbench. Raises DataError if they or its header are not what was
    written; of files of earlier releases, which state no checksum, that cannot be known."""
    tensors = read_tensors(path)
    stated = from_json(read_metadata(path)[KEY])
    if "checksum" in stated and stated["checksum"] != checksum(stated, tensors):
        raise DataError(
            f"{path} is damaged: its tensors or its header are not those that its checksum states",
            "Copy it again from where it came, or make it again.",
        )
    return tensors


def read_header(path: Path) -> Header:
    """The header of a safetensors file. Raises DataError if there is none, or none that can be used."""
    stated = read_metadata(path).get(KEY)
    if stated is None:
        raise DataError(
            f"{path} does not say which model it holds",
            "Give the checkpoint.safetensors of a run, or what dferbench import wrote; the weights of a "
            "backbone go behind --weights.",
        )
    try:
        header = Header.model_validate(_upgraded(from_json(stated)))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise DataError(f"{path} has a damaged header: {where}: {first['msg']}", "Make it again.") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} has a damaged header: {error}", "Make it again.") from None
    if header.schema_ != SCHEMA:
        raise DataError(f"{path} has schema {header.schema_}, not {SCHEMA}", "Use the version that wrote it.")
    if not _sound(header.input):
        raise DataError(f"{path} has a damaged header: its input is {header.input}", "Make it again.")
    return header


def _sound(input: Input) -> bool:
    """Whether frames and size are numbers that a model may have: 256 of 1000 x 1000 pixels at most."""
    frames, size = input.frames, input.size
    if not isinstance(size, int) or not isinstance(frames, int) or min(frames, size) < 1:
        return False
    return max(frames, size) <= MOST and frames * size**2 <= HELD


def _upgraded(header: dict[str, Any]) -> dict[str, Any]:
    """A header of schema 1 as one of schema 2; others as they are."""
    if not isinstance(header, dict) or header.get("schema") != 1:
        return header
    if not isinstance(header.get("view"), dict):
        raise ValueError("view: it should be an object")
    new = {**upgraded_caveats(header), "schema": 2, "input": upgraded_input(header["view"])}
    new["config_id"] = new.pop("cell", "")
    del new["view"]
    return new
