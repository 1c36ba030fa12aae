"""What a pack says of itself: `pack.json`, written last, so that a folder which has one is whole."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from dferbench.data.decoders.pack import FILE
from dferbench.documents import read_text
from dferbench.errors import ConfigError, DataError, DferbenchError
from dferbench.files import write_atomic

NAME = "pack.json"
SCHEMA = 1


class Packed(BaseModel):
    """One video: how many frames it has, or why it is missing."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    frames: int
    source: str
    """Fingerprint of the files that it was made from; empty if there were none."""
    bad: str = ""
    """Why it could not be packed."""


class PackEntry(BaseModel):
    """A video in a list; `video` is its name in the pack."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    id: str
    label: int
    video: str
    info: dict[str, Any] = {}
    group: str = ""
    """As `Video.group`; packs of earlier releases do not know it."""


class Index(BaseModel):
    """All that a dataset offers, and where it was taken from."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)

    schema_: int = Field(SCHEMA, alias="schema")
    dataset: str
    options: dict[str, Any]
    given: dict[str, Any]
    """The options that the user set."""
    classes: tuple[str, ...]
    notes: dict[str, Any]
    """What the dataset said about its copy."""
    made: bool
    """Whether the videos were drawn by a program."""
    source: str
    """The root that was packed."""
    reencoded: str
    """How frames that were not images of their own were encoded; empty if all bytes are as they were."""
    videos: dict[str, Packed]
    folds: dict[int, dict[str, list[PackEntry]]]
    """By fold and split ("train", "test")."""

    @field_validator("notes")
    @classmethod
    def _caveats(cls, notes: dict[str, Any]) -> dict[str, Any]:
        """Their name in earlier releases is read, too."""
        return {("caveats" if name == "marks" else name): value for name, value in notes.items()}


def is_pack(root: Path) -> bool:
    """Whether the folder is a pack, finished or not."""
    return (root / NAME).is_file() or (root / FILE).is_file()


def write_index(index: Index, pack: Path) -> None:
    """Put `pack.json` into the pack. Raises DferbenchError."""
    write_atomic(pack / NAME, index.model_dump_json(by_alias=True))


def begin(pack: Path) -> None:
    """Make it a begun pack, which nobody takes for a whole one. Raises DferbenchError."""
    try:
        (pack / NAME).unlink(missing_ok=True)
    except OSError as error:
        raise DferbenchError(
            f"{pack} cannot be written ({error.strerror})", "Choose another folder."
        ) from error


def read_index(pack: Path) -> Index:
    """What the pack says of itself. Raises DataError if it was never finished or is damaged, and ConfigError
    if another version of dferbench wrote it."""
    path = pack / NAME
    if not path.is_file():
        raise DataError(
            f"{pack} is a pack that was never finished", "The same dferbench data pack continues."
        )
    try:
        index = Index.model_validate_json(read_text(path, 1 << 30))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is damaged or cannot be read", "Pack the dataset again.") from error
    if index.schema_ != SCHEMA:
        raise ConfigError(f"{path} has schema {index.schema_}, not {SCHEMA}", "Pack the dataset again.")
    return index


def command(dataset: str, source: str, pack: Path) -> str:
    """The command line that makes the pack again; `dataset` as the user would write it."""
    return shlex.join(["dferbench", "data", "pack", dataset, "--root", source, "--output", str(pack)])
