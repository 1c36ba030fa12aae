"""`dferbench.load_runs`: the runs below a folder, to filter, rank and compare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, overload

from dferbench.experiment import record as records
from dferbench.experiment.metrics import METRICS, Columns, Metrics, columns
from dferbench.experiment.record import Record
from dferbench.files import expand
from dferbench.interface.rows import Rows, rows_of
from dferbench.interface.words import AnyPath, Whole, catalog_of, whole

if TYPE_CHECKING:
    from pandas import DataFrame

    from dferbench.interface.board import Leaderboard
    from dferbench.interface.confusion import ConfusionMatrix
    from dferbench.report.comparison import Comparison

Words = str | Sequence[str] | None
"""One name or several; None for any."""


def load_runs(folder: AnyPath = "runs", *, plugins: Sequence[AnyPath] = ()) -> Runs:
    """Read the record of every run below a folder.

    Args:
        folder: Of the runs, or of a part of them.
        plugins: Python files to load as plugins, for metrics of their own.

    Returns:
        The finished runs, in the order of the folders. What is not finished is in `unfinished`; `told` has a
        line for each record that is left out. Tests on corrupted videos (`dferbench stress`) are left out.

    Raises:
        ConfigError: The folder is not there, or a plugin is broken.
    """
    from dferbench.experiment.metrics import registered
    from dferbench.report.leaderboard import load
    from dferbench.verification.verdict import read_verdicts

    known, place = registered(catalog_of(plugins)), expand(folder)
    found, told = load(place, known, verdicts=read_verdicts())
    return Runs(tuple(found), tuple(_unfinished(place, found)), tuple(told), known)


def _unfinished(folder: Path, found: Sequence[Record]) -> Iterator[Record]:
    there = {one.folder for one in found}
    for path in records.find(folder):
        if str(path.parent) in there:
            continue
        with suppress(records.BadRecord):  # `told` has it
            one = records.read(path, {})
            if one.status != "done" and not one.stressed:
                yield one


@dataclass(frozen=True, repr=False)
class Runs(Sequence[Record]):
    """Finished runs: a sequence of their records, and what is asked of them together.

    A record has `method`, `options`, `recipe`, `dataset`, `fold`, `seed`, `config_id`, `classes`,
    `confusion`, `metrics` (in percent), `caveats`, `environment`, `seconds` and `folder`, among others
    (docs/python.md).
    """

    records: tuple[Record, ...]
    unfinished: tuple[Record, ...] = ()
    """Of runs that failed, were interrupted or are at work: `status`, and `error`, why."""
    told: tuple[str, ...] = ()
    """What was left out or is odd, a line each."""
    known: Metrics = field(default_factory=lambda: METRICS)
    """The metrics that can be asked for."""

    @overload
    def __getitem__(self, place: int) -> Record: ...

    @overload
    def __getitem__(self, place: slice) -> Runs: ...

    def __getitem__(self, place: int | slice) -> Record | Runs:
        if isinstance(place, slice):
            return replace(self, records=self.records[place])
        return self.records[place]

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        """How many there are, and of what."""
        of = ", ".join(dict.fromkeys(f"{one.method} on {one.dataset}" for one in self.records))
        count = "1 run" if len(self) == 1 else f"{len(self)} runs"
        more = f", {len(self.unfinished)} unfinished" if self.unfinished else ""
        return f"<{count}{': ' if of else ''}{of}{more}>"

    def filter(
        self,
        *,
        method: Words = None,
        dataset: Words = None,
        config_id: Words = None,
        fold: Whole | None = None,
        seed: Whole | None = None,
    ) -> Runs:
        """The runs that pass every filter that is given.

        Args:
            method: One or several.
            dataset: One or several.
            config_id: One or several, or the first characters of them.
            fold: One or several; those that no run has give nothing.
            seed: Of the model, one or several, likewise.

        Raises:
            UnknownName: No run is of that method, dataset or configuration.
        """
        from dferbench.interface.choice import keeping

        everything = (*self.records, *self.unfinished)
        keep = keeping(everything, {"method": method, "dataset": dataset, "config_id": config_id})
        numbers = {"fold": fold, "model_seed": seed}
        wanted = {name: whole(one, name) for name, one in numbers.items() if one is not None}

        def passes(one: Record) -> bool:
            return keep(one) and all(getattr(one, name) in some for name, some in wanted.items())

        return replace(
            self,
            records=tuple(filter(passes, self.records)),
            unfinished=tuple(filter(passes, self.unfinished)),
        )

    def rows(self, *, select: str = "last", metrics: str | Sequence[str] = "uar,war") -> Rows:
        """A row a run: what was run, its metrics (in percent), and where it lies.

        Args:
            select: Which epoch counts: "last", "best-on-test", "val" or "val:METRIC".
            metrics: Their names (`dferbench list metrics`).

        Raises:
            UnknownName: There is no such rule or metric.
            ConfigError: The curve of a run, which the rule needs, cannot be read.
        """
        from dferbench.interface.lines import line_of

        shown = self._columns(metrics)
        return rows_of(line_of(one, select, shown) for one in self._with_hits(shown))

    def frame(self, *, select: str = "last", metrics: str | Sequence[str] = "uar,war") -> DataFrame:
        """The same rows as a pandas data frame. Raises as `rows`, and ConfigError where pandas is missing."""
        return self.rows(select=select, metrics=metrics).frame()

    def leaderboard(
        self,
        *,
        select: str = "last",
        metrics: str | Sequence[str] = "uar,war",
        by: str = "",
        interval: float | None = None,
        rank_outside: bool = False,
    ) -> Leaderboard:
        """The configurations ranked on each dataset, as `dferbench leaderboard` does; folds and seeds of one
        are a row.

        Args:
            select: As for `rows`.
            metrics: The columns.
            by: The metric that ranks; "" for the first column.
            interval: Show the interval that holds the truth in so many percent of such studies, such as 95.
            rank_outside: Rank predictions of other programs as well.

        Raises:
            UnknownName: There is no such rule or metric.
            ConfigError: No interval can be told, as two runs say different things of one video.
        """
        from dferbench.interface.board import HowRanked, Leaderboard, ranked

        shown = self._columns(metrics, by)
        how = HowRanked(select, shown, interval, outside_ranks=rank_outside)
        made, told = ranked(self._with_hits(shown), how)
        return Leaderboard(tuple(made), select, shown, tuple(told))

    def compare(
        self,
        a: AnyPath | Record | Runs,
        b: AnyPath | Record | Runs,
        *,
        select: str = "last",
        metrics: str | Sequence[str] = "uar,war",
        by: str = "",
        interval: float = 95.0,
        anyway: bool = False,
    ) -> Comparison:
        """What differs between two runs or configurations, then their numbers and paired tests, B minus A, as
        `dferbench compare` has them. Of configurations the runs of the same fold and seed are compared.

        Args:
            a: A method or the first characters of a configuration's id among these runs, a folder, a record,
                or runs of one configuration.
            b: Another.
            select: As for `rows`.
            metrics: Those compared.
            by: The metric that says who is ahead; "" for the first of them.
            interval: Its level, in percent.
            anyway: Even if their videos are not the same.

        Raises:
            ConfigError: They are not comparable, a side is of several configurations, or no fold and seed is
                in both.
            UnknownName: There is no such rule or metric.
        """
        from dferbench.interface.choice import side_of
        from dferbench.report.comparison import compared

        sides = side_of(a, self.records, self.known), side_of(b, self.records, self.known)
        found = compared(*sides, select, self._columns(metrics, by), interval, anyway=anyway)
        found.require_comparable(anyway=anyway)
        return found

    def confusion(self, *, select: str = "last") -> ConfusionMatrix:
        """The confusion matrix of all these runs together, which are of one configuration.

        Raises:
            ConfigError: There is no run, or they are of several configurations: filter first.
            UnknownName: There is no such rule.
        """
        from dferbench.interface.confusion import confusion_of

        return confusion_of(self.records, select)

    def predictions(self) -> Rows:
        """A row a run and test video, after the last epoch: its id, its class and the predicted one, and the
        logit of each class (of predictions of other programs: their scores).

        Raises:
            DataError: The predictions of a run are missing or damaged.
        """
        from dferbench.interface.lines import videos_of

        return rows_of(line for one in self.records for line in videos_of(one))

    def _columns(self, metrics: str | Sequence[str], by: str = "") -> Columns:
        names = metrics if isinstance(metrics, str) else ",".join(metrics)
        return columns(names, by, self.known)

    def _with_hits(self, shown: Columns) -> Sequence[Record]:
        """The records, with top-2 hits that old ones lack where a column needs them."""
        if all(one.needs == "confusion" for one in shown.metrics):
            return self.records
        from dferbench.report.recount import recounted

        return [recounted(one, Path(one.folder)) if one.folder else one for one in self.records]
