"""Suites: what is compared, as data. Rows of (label, method, options), next to the numbers a paper printed.

A suite is one TOML file a table; the printed numbers lie in a file of their own, one a paper, which the
suite names by a path relative to itself.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from dferbench.errors import ConfigError, UnknownName
from dferbench.experiment.metrics import METRICS, Metrics
from dferbench.experiment.printed import UNKNOWN, Printed, PrintedProtocol, Text, read_printed, with_defaults
from dferbench.experiment.toml_model import read_model
from dferbench.registry.catalog import Catalog


def _value(value: Any) -> Any:
    if isinstance(value, bool | int | float | str):
        return value
    raise ValueError("must be true, false, a number or a text")


Value = Annotated[bool | int | float | str, PlainValidator(_value)]
EXAMPLE = "a suite: a file like that in docs/suites.md, or a name (dferbench list suites)"
SELECT = ("last", "best-on-test", "val", "none", UNKNOWN)
"""The selection rules that a source may state."""


class RowFile(BaseModel):
    """A row as a suite's file has it."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    label: Text = Field(min_length=1)
    method: str
    """A method that a plugin registers; rows of others are shown with their printed numbers alone."""
    options: dict[str, Value] = {}
    """As `--set` would say them; `stage.epochs` and such change the recipe."""
    published: str = ""
    """The id of its printed numbers."""
    group: Text = ""
    """Rows of one group stand under its name."""
    note: Text = ""
    """A footnote."""


class SuiteFile(BaseModel):
    """A suite as its file has it."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    title: Text
    source: Text = ""
    """Of the printed numbers."""
    select: str = UNKNOWN
    """The rule by which they chose epochs, unless their file says otherwise of a row, which is then said."""
    published: str = ""
    """The file of the printed numbers, relative to this one."""
    validation: float | None = None
    """The share of the training videos that is held out, unless the command says otherwise."""
    patience: int | None = None
    """After how many epochs without a better validation result a stage ends."""
    rows: list[RowFile] = Field(min_length=1)


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
    """A table to be filled. `select` is the rule by which the source of the printed numbers chose epochs, but
    for the rows that state another; `validation` and `patience` are as `Request` has them, for all rows,
    unless the user says otherwise."""

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


def suite_file(text: str, catalog: Catalog) -> Path:
    """The file of the suite that a user names: what ends in .toml or has a folder is a path, all else a name
    that a plugin registered. Raises UnknownName, and ConfigError for a name that two plugins claim."""
    return Path(text) if is_file_name(text, catalog) else catalog.get("suites", text).value


def printed_file(text: str, catalog: Catalog) -> Path:
    """The file of printed numbers that a user names: by its path, or by the suite that shows them.

    Raises as `suite_file`, and ConfigError for a suite that shows none.
    """
    if is_file_name(text, catalog):
        return Path(text)
    path = suite_file(text, catalog)
    found = read_model(path, SuiteFile, EXAMPLE, {})
    if not found.published:
        raise ConfigError(
            f"the suite {text} shows no printed numbers", "Name another, or a file of such numbers."
        )
    return path.parent / found.published


def is_file_name(text: str, catalog: Catalog) -> bool:
    """Whether a suite is named by its path."""
    if text.endswith(".toml") or "/" in text or os.sep in text:
        return True
    return text not in catalog.entries["suites"] and Path(text).exists()


def read_suite(path: Path, metrics: Metrics = METRICS) -> Suite:
    """Read a suite and the printed numbers it refers to, which may be of any of `metrics`.

    Raises ConfigError that names the file and place.
    """
    found = read_model(path, SuiteFile, EXAMPLE, {"metrics": metrics})
    if found.select not in SELECT:
        raise UnknownName(f"selection rule in {path}", found.select, SELECT)
    printed = read_printed(path.parent / found.published, metrics) if found.published else {}
    rule = PrintedProtocol.model_validate({"select": found.select})
    rows = []
    for number, row in enumerate(found.rows, 1):
        if row.published and row.published not in printed:
            raise UnknownName(f"published row (row {number} of {path})", row.published, printed)
        sets = {name: _as_typed(value) for name, value in row.options.items()}
        published = with_defaults(printed[row.published], rule) if row.published else None
        rows.append(Row(number, row.label, row.method, sets, row.group, row.note, published))
    held = (found.validation, found.patience)
    return Suite(path.stem, found.title, found.source, found.select, tuple(rows), *held)


def _as_typed(value: bool | int | float | str) -> str:
    """A TOML value as `--set` would have it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
