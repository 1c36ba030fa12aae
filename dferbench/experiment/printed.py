"""Numbers as papers print them, each with the protocol under which it was measured.

One TOML file holds the rows of a paper, or of many. What is not known of a protocol is "unknown" and never
guessed; a file states once, under [defaults], what holds for all rows that do not say otherwise.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
)

from dferbench.errors import ConfigError, UnknownName
from dferbench.experiment.metrics import METRICS, Metrics, find
from dferbench.experiment.toml_model import read_model

UNKNOWN: Literal["unknown"] = "unknown"
Unknown: TypeAlias = Literal["unknown"]
MODALITIES = {"V": "video", "A": "sound", "T": "texts of single videos", "S": "the scene around the face"}


def _results(value: Any, info: ValidationInfo) -> Any:
    """[UAR, WAR] or { uar = ..., macro_f1 = ... } as numbers by the names that metrics have here."""
    metrics: Metrics = (info.context or {}).get("metrics", METRICS)
    if isinstance(value, list):
        if len(value) != 2:
            raise ValueError(f"a list holds UAR and WAR, got {len(value)} values; other metrics are named")
        value = dict(zip(("uar", "war"), value, strict=True))
    if not isinstance(value, dict):
        raise ValueError("must be [UAR, WAR], or a table such as { uar = 50.1, macro_f1 = 48.2 }")
    return dict(_result(name, number, metrics) for name, number in value.items())


def _result(name: str, number: Any, metrics: Metrics) -> tuple[str, Any]:
    try:
        one = find(name, metrics)
    except UnknownName:
        raise ValueError(f"there is no metric named '{name}'; known are {', '.join(metrics)}") from None
    if number in ("-", None):
        return one.name, None
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise ValueError(f'{one.name} must be a number or "-", got {number!r}')
    if not one.admits(number):
        raise ValueError(f"{one.title} must be in {one.range}, got {number:g}")
    return one.name, number


def _count(value: Any) -> Any:
    if value == UNKNOWN or (type(value) is int and value >= 1):
        return value
    raise ValueError('must be a whole number from 1 on, or "unknown"')


def _folds(value: Any) -> Any:
    if value in ("all", "own", UNKNOWN):
        return value
    if isinstance(value, list) and value and all(type(one) is int and one >= 0 for one in value):
        return tuple(dict.fromkeys(value))
    raise ValueError('must be "all", "own", "unknown", or the numbers of folds as in [1]')


def _modality(value: Any) -> Any:
    known = isinstance(value, str) and set(value.split("+")) <= MODALITIES.keys()
    if known or value == UNKNOWN:
        return value
    raise ValueError(f'must be "unknown", or of {", ".join(MODALITIES)}, joined by "+"')


def _whether(value: Any) -> Any:
    if isinstance(value, bool) or value == UNKNOWN:
        return value
    raise ValueError('must be true, false or "unknown"')


def _address(value: str) -> str:
    if value and not re.fullmatch(r"https?://[^\s/]+\S*", value):
        raise ValueError(f"must be an address that begins with https:// or http://, got {value!r}")
    return value


Results = Annotated[dict[str, float | None], BeforeValidator(_results)]
"""Printed numbers by metric; "-", here None, where the source has none."""
Text = Annotated[str, AfterValidator(lambda text: " ".join(text.split()))]
"""One line, however the file wraps it."""
Count = Annotated[int | Unknown, PlainValidator(_count)]


class PrintedProtocol(BaseModel):
    """How a printed number was measured, as far as its source says."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    select: Literal["last", "best-on-test", "val", "none", "unknown"] = UNKNOWN
    """Which epoch counts: "last", "best-on-test", "val" for the best on a validation part, or "none" where
    nothing was trained on the dataset."""
    folds: Annotated[Literal["all", "own", "unknown"] | tuple[int, ...], PlainValidator(_folds)] = UNKNOWN
    """"all" official folds, the numbers of some of them as in [1], or the authors' "own" split."""
    averaging: Literal["mean", "pooled", "unknown"] = UNKNOWN
    """"mean" of the folds' values, or one value of the "pooled" predictions of all folds."""
    seeds: Count = UNKNOWN
    """How many seeds were averaged."""
    frames: Count = UNKNOWN
    """Frames of one clip."""
    size: Count = UNKNOWN
    """Side in pixels of the square frames."""
    clips: Count = UNKNOWN
    """How many different clips of a test video are averaged."""
    input: Annotated[str, PlainValidator(_modality)] = UNKNOWN
    """"V" for video, "A" for sound, "T" for texts of single videos, "S" for the scene around the face, joined
    by "+"."""
    missing_sound: Literal["zeros", "dropped", "unknown"] = UNKNOWN
    """Of inputs with "A": videos without sound are given "zeros", or are "dropped" from training and test."""
    pretraining: Text = UNKNOWN
    """What was trained before, on what data."""
    trained_on_test: Annotated[bool | Unknown, PlainValidator(_whether)] = UNKNOWN
    """Whether training saw the test videos, labelled or not."""
    source: Text = ""
    """Where the numbers were read, if not in the source of the whole file."""
    table: int = Field(default=0, ge=0, strict=True)
    """The number of the table in the source; 0 where it has none, or none is known."""
    address: Annotated[Text, AfterValidator(_address)] = ""
    """Of the source: begins with https:// or http://."""


class Printed(PrintedProtocol):
    """One row of a table as a paper printed it; the protocol's fields hold for all its datasets."""

    id: str
    """What suites call it by, unique in the file."""
    label: Text
    results: dict[str, Results]
    """Per dataset [UAR, WAR] in percent, or any metrics by name; what the source leaves out is left out."""
    venue: Text = ""
    year: int | None = Field(default=None, strict=True)
    backbone: Text = ""
    note: Text = ""
    """What is wrong with, or must be known about, these numbers."""
    on: dict[str, PrintedProtocol] = {}
    """Per dataset the fields of the protocol that are otherwise there."""

    def protocol(self, dataset: str) -> PrintedProtocol:
        """The protocol of the numbers on a dataset."""
        own = {name: getattr(self, name) for name in PrintedProtocol.model_fields}
        there = self.on.get(dataset, PrintedProtocol())
        return PrintedProtocol.model_construct(
            **own | {name: getattr(there, name) for name in there.model_fields_set}
        )


class PrintedFile(BaseModel):
    """A file of printed numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    title: Text
    source: Text
    protocol: Text = ""
    """What must be known of all the numbers, in words."""
    captions: dict[str, str] = {}
    defaults: PrintedProtocol = PrintedProtocol()
    """The fields of the protocol that hold for every row that does not state them."""
    rows: list[Printed]


EXAMPLE = "a file of printed numbers like that in docs/published.md"


def read_printed(path: Path, metrics: Metrics = METRICS) -> dict[str, Printed]:
    """The rows of a file of printed numbers, by id, with the file's defaults in them.

    Raises ConfigError, also for an unknown metric.
    """
    found = read_model(path, PrintedFile, EXAMPLE, {"metrics": metrics})
    by_id = {row.id: with_defaults(row, found.defaults) for row in found.rows}
    if len(by_id) < len(found.rows):
        ids = [row.id for row in found.rows]
        twice = next(name for place, name in enumerate(ids) if name in ids[:place])
        raise ConfigError(f"{path}: the id '{twice}' occurs twice", "Give every row an id of its own.")
    return by_id


def with_defaults(row: Printed, defaults: PrintedProtocol) -> Printed:
    """The row, with what the defaults state and it does not."""
    stated = defaults.model_fields_set - row.model_fields_set
    return row.model_copy(update={name: getattr(defaults, name) for name in stated})
