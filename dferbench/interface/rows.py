"""Plain rows of what was found, and the same as a data frame where pandas is installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, overload

from dferbench.errors import ConfigError

if TYPE_CHECKING:
    from pandas import DataFrame

Cell: TypeAlias = str | int | float | bool | None
Line: TypeAlias = Mapping[str, Cell]


@dataclass(frozen=True, repr=False)
class Rows(Sequence[Line]):
    """Rows of plain values by the names of their columns; each has all `columns`."""

    lines: tuple[Line, ...]
    columns: tuple[str, ...]

    @overload
    def __getitem__(self, place: int) -> Line: ...

    @overload
    def __getitem__(self, place: slice) -> Rows: ...

    def __getitem__(self, place: int | slice) -> Line | Rows:
        if isinstance(place, slice):
            return Rows(self.lines[place], self.columns)
        return self.lines[place]

    def __len__(self) -> int:
        return len(self.lines)

    def __repr__(self) -> str:
        """How many there are, and of what."""
        return f"<{len(self)} rows of {', '.join(self.columns)}>"

    def frame(self) -> DataFrame:
        """The rows as a pandas data frame. Raises ConfigError where pandas is not installed."""
        try:
            import pandas
        except ImportError:
            raise ConfigError(
                "a data frame needs pandas, which is not installed",
                'Install it: pip install "dferbench[frame]"; rows() does without.',
            ) from None
        return pandas.DataFrame([dict(line) for line in self.lines], columns=list(self.columns))


def rows_of(lines: Iterable[Line]) -> Rows:
    """The lines with all columns that any of them has, None where a line lacks it."""
    there = list(lines)
    columns = tuple(dict.fromkeys(name for line in there for name in line))
    return Rows(tuple({name: line.get(name) for name in columns} for line in there), columns)
