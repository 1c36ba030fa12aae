"""A leaderboard: records ranked, as an object that prints itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from dferbench.errors import DferbenchError
from dferbench.experiment.metrics import Columns
from dferbench.experiment.record import Record
from dferbench.interface.rows import Cell, Line, Rows, rows_of
from dferbench.printable import printable
from dferbench.report.by_rule import answering
from dferbench.report.filters import Filters, keep
from dferbench.report.leaderboard import DEFAULT, Row, as_data, rows
from dferbench.verification.verdict import Verdicts, read_verdicts

if TYPE_CHECKING:
    from pandas import DataFrame

    from dferbench.registry.catalog import Catalog


@dataclass(frozen=True)
class HowRanked:
    """How records are ranked: the rule that picks an epoch, the columns, the level of intervals, whether
    predictions of other programs rank, which rows are kept, and a list of videos to count without."""

    select: str = "last"
    shown: Columns = DEFAULT
    level: float | None = None
    outside_ranks: bool = False
    filters: Filters = field(default_factory=Filters)
    without: Path | None = None


def ranked(
    records: Iterable[Record],
    how: HowRanked,
    verdicts: Verdicts | None = None,
    catalog: Catalog | None = None,
) -> tuple[list[Row], list[str]]:
    """The rows of the records that answer the rule, from best to worst on each dataset, and lines on what is
    left out.

    `catalog` knows the folds of datasets, which the filter "complete" asks for. Raises UnknownName for a
    rule, or a value of a filter that no row has.
    """
    found, told = answering(records, how.select)
    if not found:
        return [], told
    seen = read_verdicts() if verdicts is None else verdicts
    made = rows(found, how.select, how.shown, how.level, seen, outside_ranks=how.outside_ranks)
    complete = how.filters.protocol == "complete" and catalog is not None
    folds, unknown = _folds(found, catalog) if complete and catalog else ({}, [])
    kept = keep(made, how.filters, folds)
    if how.without is not None:
        from dferbench.data.leaks.file import read_listed
        from dferbench.report.without import beside

        kept = beside(kept, found, how.select, how.shown, read_listed(how.without))
    return kept, [*told, *unknown]


def _folds(records: Iterable[Record], catalog: Catalog) -> tuple[dict[str, tuple[int, ...]], list[str]]:
    """The folds of each configuration's dataset; of one whose plugin is missing a line."""
    from dferbench.registry.datasets import make_dataset, written

    found: dict[str, tuple[int, ...]] = {}
    unknown: dict[str, str] = {}
    for one in {one.config_id: one for one in records}.values():
        text = written(one.dataset, one.dataset_given)
        try:
            found[one.config_id] = tuple(make_dataset(text, catalog).dataset.folds)
        except DferbenchError as error:
            unknown[text] = str(error)
    return found, [f"left out, as the folds of {text} are not known: {why}" for text, why in unknown.items()]


@dataclass(frozen=True)
class Leaderboard(Sequence[Row]):
    """Configurations from best to worst on each dataset; `print` shows the table, and so does a notebook."""

    ranked: tuple[Row, ...]
    select: str
    shown: Columns
    told: tuple[str, ...] = ()
    """What was left out, a line each."""

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Row]: ...

    def __getitem__(self, place: int | slice) -> Row | Sequence[Row]:
        return self.ranked[place]

    def __len__(self) -> int:
        return len(self.ranked)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.ranked)

    def rows(self) -> Rows:
        """A row a configuration: of each metric its mean in percent, its standard deviation as `METRIC_std`,
        and `METRIC_low` and `METRIC_high` of its interval if one was asked for. `rank` is None for what does
        not rank, as its caveats say."""
        places = dict.fromkeys((one.dataset for one in self.ranked), 0)
        lines = []
        for one in self.ranked:
            places[one.dataset] += one.ranks
            lines.append({"rank": places[one.dataset] if one.ranks else None, **_line(one, self.shown)})
        return rows_of(lines)

    def frame(self) -> DataFrame:
        """The same as a pandas data frame. Raises ConfigError where pandas is not installed."""
        return self.rows().frame()

    def as_data(self) -> Mapping[str, Any]:
        """What `dferbench leaderboard --json` prints."""
        return {
            "schema": 1,
            "select": self.select,
            "metrics": [one.name for one in self.shown.metrics],
            "by": self.shown.by.name,
            "rows": [as_data(one) for one in self.ranked],
        }

    def __str__(self) -> str:
        return printable(self._text("simple"))

    def _repr_html_(self) -> str:
        return self._text("html")

    def _text(self, style: str) -> str:
        from dferbench.report.text import leaderboard

        return leaderboard(self.ranked, self.select, style, shown=self.shown) if self.ranked else "no runs"


def _line(one: Row, shown: Columns) -> Line:
    found: dict[str, Cell] = {"dataset": one.dataset, "method": one.method, "setting": one.setting}
    found |= {"folds": ", ".join(map(str, one.folds)), "seeds": ", ".join(map(str, one.seeds))}
    for name in (metric.name for metric in shown.metrics):
        score, interval = one.scores[name], one.intervals.get(name)
        found[name] = None if score is None else score.mean
        found[f"{name}_std"] = None if score is None else score.spread
        if one.intervals:
            bounds = (interval.low, interval.high) if interval else (None, None)
            found |= dict(zip((f"{name}_low", f"{name}_high"), bounds, strict=True))
    return found | {"caveats": ", ".join(one.caveats), "config_id": one.config_id}
