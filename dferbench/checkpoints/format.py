"""What a checkpoint file says of itself: enough to build its model again, and to know what it is worth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import safetensors
import safetensors.torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from dferbench.errors import DataError
from dferbench.experiment.old_records import upgraded_caveats, upgraded_input
from dferbench.files import write_atomic
from dferbench.types import Input

SCHEMA = 2
KEY = "dferbench"
"""Under this key of the safetensors metadata lies the header, as JSON."""


class Header(BaseModel):
    """The header of a checkpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_: int = Field(SCHEMA, alias="schema")
    method: str
    options: dict[str, Any]
    """Every option of the method, resolved."""
    classes: list[str]
    """In the order of the logits."""
    input: Input
    precision: str = "fp32"
    holds: Literal["all", "learned"]
    """Whether all tensors of the model are in the file, or those that building does not give again."""
    dataset: str = ""
    """What the model was trained on; "" if that is not known."""
    fold: int | None = None
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


def write_checkpoint(path: Path, tensors: Mapping[str, Tensor], header: Header) -> None:
    """Write tensors and header as safetensors, atomically. Raises DferbenchError if that cannot be."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomic(path, safetensors.torch.save(plain, {KEY: header.model_dump_json(by_alias=True)}))


def is_safetensors(path: Path) -> bool:
    """Whether the file begins like safetensors: a length of eight bytes, then JSON."""
    with path.open("rb") as file:
        return file.read(9)[8:] == b"{"


def read_header(path: Path) -> Header:
    """The header of a safetensors file. Raises DataError if there is none, or none that can be used."""
    try:
        with safetensors.safe_open(path, "pt") as file:
            stated = (file.metadata() or {}).get(KEY)
    except Exception as error:  # whatever the parser says of a damaged file
        raise DataError(
            f"{path} cannot be read as safetensors: {error}", "Make or fetch it again."
        ) from error
    if stated is None:
        raise DataError(
            f"{path} does not say which model it holds",
            "Give the checkpoint.safetensors of a run, or what dferbench import wrote; the weights of a "
            "backbone go behind --weights.",
        )
    try:
        header = Header.model_validate(_upgraded(json.loads(stated)))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise DataError(f"{path} has a damaged header: {where}: {first['msg']}", "Make it again.") from None
    except ValueError as error:
        raise DataError(f"{path} has a damaged header: {error}", "Make it again.") from None
    if header.schema_ != SCHEMA:
        raise DataError(f"{path} has schema {header.schema_}, not {SCHEMA}", "Use the version that wrote it.")
    if not isinstance(header.input.size, int) or min(header.input.size, header.input.frames) < 1:
        raise DataError(f"{path} has a damaged header: its input is {header.input}", "Make it again.")
    return header


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file. Raises DataError if it is damaged."""
    try:
        return safetensors.torch.load_file(path)
    except Exception as error:  # whatever the parser says of a damaged file
        raise DataError(
            f"{path} cannot be read as safetensors: {error}", "Make or fetch it again."
        ) from error


def _upgraded(header: dict[str, Any]) -> dict[str, Any]:
    """A header of schema 1 as one of schema 2; others as they are."""
    if not isinstance(header, dict) or header.get("schema") != 1:
        return header
    new = {**upgraded_caveats(header), "schema": 2, "input": upgraded_input(header["view"])}
    new["config_id"] = new.pop("cell", "")
    del new["view"]
    return new
