"""Suites: what is compared, as data. Rows of (label, method, options), next to the numbers a paper printed.

A suite is one TOML file a table; the printed numbers lie in a file of their own, one a paper, which the
suite names by a path relative to itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
)

from dferbench.documents import from_toml, read_text
from dferbench.errors import ConfigError, UnknownName
from dferbench.experiment import selection
from dferbench.experiment.metrics import METRICS, Metrics, find


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
    if number == "-":
        return one.name, None
    if isinstance(number, int | float) and not one.admits(number):
        raise ValueError(f"{one.title} must be in {one.range}, got {number:g}")
    return one.name, number


Results = Annotated[dict[str, float | None], BeforeValidator(_results)]
"""Printed numbers by metric; "-", here None, where the source has none."""
Text = Annotated[str, AfterValidator(lambda text: " ".join(text.split()))]
"""One line, however the file wraps it."""
Value = bool | int | float | str


class Printed(BaseModel):
    """One row of a table as a paper printed it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    """What suites call it by, unique in the file."""
    table: int = 0
    """The number of the table; 0 in files that are put together from several sources."""
    label: Text
    results: dict[str, Results]
    """Per dataset [UAR, WAR] in percent, or any metrics by name; what the source leaves out is left out."""
    venue: Text = ""
    year: int | None = None
    input: Text = ""
    """"V" for video, "A" for audio, "T" for texts of single videos in training, joined by "+"."""
    backbone: Text = ""
    pretraining: Text = ""
    source: Text = ""
    """Where the numbers were read, if not in the source of the whole file."""
    note: Text = ""
    """What is wrong with, or must be known about, these numbers."""


class _Tables(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Text
    source: Text
    protocol: Text = ""
    captions: dict[str, str] = {}
    rows: list[Printed]


class _RowFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    label: Text = Field(min_length=1)
    method: str
    options: dict[str, Value] = {}
    published: str = ""
    group: Text = ""
    note: Text = ""


class _SuiteFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Text
    source: Text = ""
    select: str = "last"
    published: str = ""
    validation: float | None = None
    patience: int | None = None
    rows: list[_RowFile] = Field(min_length=1)


@dataclass(frozen=True)
class Row:
    """One line of a suite: a method with options, as `--set` would say them, and what the paper printed."""

    number: int
    label: str
    method: str
    sets: Mapping[str, str] = field(default_factory=dict)
    group: str = ""
    note: str = ""
    printed: Printed | None = None


@dataclass(frozen=True)
class Suite:
    """A table to be filled. `select` is the rule by which the source of the printed numbers chose epochs;
    `validation` and `patience` are as `Request` has them, for all rows, unless the user says otherwise."""

    name: str
    title: str
    source: str
    select: str
    rows: tuple[Row, ...]
    validation: float | None = None
    patience: int | None = None

    @property
    def printed_datasets(self) -> tuple[str, ...]:
        """The datasets that any row has printed numbers for, in the order of the file."""
        return tuple(dict.fromkeys(d for row in self.rows if row.printed for d in row.printed.results))

    def only(self, numbers: tuple[int, ...]) -> Suite:
        """The suite with the rows of these numbers. Raises ConfigError for a number that no row has."""
        known = {row.number for row in self.rows}
        for number in numbers:
            if number not in known:
                raise ConfigError(f"{self.name} has no row {number}", f"Its rows are 1 to {len(known)}.")
        rows = tuple(row for row in self.rows if row.number in numbers)
        return replace(self, rows=rows)


def read_suite(path: Path, metrics: Metrics = METRICS) -> Suite:
    """Read a suite and the printed numbers it refers to, which may be of any of `metrics`.

    Raises ConfigError that names the file and place.
    """
    found = _read(path, _SuiteFile, metrics)
    selection.require(found.select, f"selection rule in {path}")
    printed = read_printed(path.parent / found.published, metrics) if found.published else {}
    rows = []
    for number, row in enumerate(found.rows, 1):
        if row.published and row.published not in printed:
            raise UnknownName(f"published row (row {number} of {path})", row.published, printed)
        sets = {name: _as_typed(value) for name, value in row.options.items()}
        published = printed.get(row.published)
        rows.append(Row(number, row.label, row.method, sets, row.group, row.note, published))
    held = (found.validation, found.patience)
    return Suite(path.stem, found.title, found.source, found.select, tuple(rows), *held)


def read_printed(path: Path, metrics: Metrics = METRICS) -> dict[str, Printed]:
    """The rows of a file of printed numbers, by id. Raises ConfigError, also for an unknown metric."""
    rows = _read(path, _Tables, metrics).rows
    by_id = {row.id: row for row in rows}
    if len(by_id) < len(rows):
        twice = next(row.id for row in rows if row is not by_id[row.id])
        raise ConfigError(f"{path}: the id '{twice}' occurs twice", "Give every row an id of its own.")
    return by_id


def _as_typed(value: Value) -> str:
    """A TOML value as `--set` would have it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


_File = TypeVar("_File", _SuiteFile, _Tables)
_EXAMPLES = {
    _SuiteFile: "a suite, such as benchmarks/table1.toml",
    _Tables: "a file of printed numbers, such as benchmarks/published/field.toml",
}


def _read(path: Path, kind: type[_File], metrics: Metrics) -> _File:
    try:
        content = from_toml(read_text(path))
        return kind.model_validate(content, context={"metrics": metrics})
    except OSError as error:
        reason, hint = error.strerror or str(error), f"Name {_EXAMPLES[kind]}."
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(p + 1 if isinstance(p, int) else p) for p in first["loc"])
        reason, hint = (
            f"{place}: {first['msg'].removeprefix('Value error, ')}",
            "Fix that entry (rows count from 1).",
        )
    except ValueError as error:  # no TOML, or no text
        reason, hint = str(error), "Write TOML: title, source, select, and [[rows]] with label and method."
    raise ConfigError(f"cannot read {path}: {reason}", hint)
