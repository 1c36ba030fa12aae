"""What a page shows: the configurations below a folder, each with its runs, and how they are to be read."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dferbench.experiment.curve import BadCurve
from dferbench.experiment.metrics import Columns, Metrics
from dferbench.experiment.printed import Printed
from dferbench.experiment.record import Record, with_curve
from dferbench.pages.mistakes import Faces
from dferbench.report.by_rule import answering
from dferbench.report.leaderboard import Row, load, once, rows
from dferbench.verification.verdict import read_verdicts


@dataclass(frozen=True)
class Wishes:
    """How results are to be shown: which epoch counts, which metrics in what order, intervals at what level,
    published rows next to them, how methods are known to deviate from their sources, and faces, if any."""

    select: str
    shown: Columns
    level: float
    title: str = ""
    published: Sequence[Printed] = ()
    deviations: Mapping[str, Sequence[str]] = field(default_factory=dict)
    faces: Faces | None = None


@dataclass(frozen=True)
class Configuration:
    """One row of a leaderboard with its runs, each counted once, in the order of folds and seeds."""

    row: Row
    runs: Sequence[Record]

    @property
    def key(self) -> str:
        """A name that is safe in addresses and files: nothing of it is what a record says."""
        facts = "\n".join((self.row.dataset, self.row.method, self.row.config_id))
        return f"c{hashlib.sha256(facts.encode()).hexdigest()[:12]}"

    @property
    def label(self) -> str:
        """Method and setting."""
        default = self.row.setting == "default"
        return self.row.method if default else f"{self.row.method}, {self.row.setting}"


@dataclass(frozen=True)
class Shelf:
    """All configurations, best first within each dataset, and lines on what was left out."""

    configurations: Sequence[Configuration]
    told: Sequence[str]

    @property
    def datasets(self) -> dict[str, list[Configuration]]:
        """The configurations of each dataset."""
        found: dict[str, list[Configuration]] = defaultdict(list)
        for one in self.configurations:
            found[one.row.dataset].append(one)
        return dict(found)


def read_shelf(folder: Path, wishes: Wishes, known: Metrics) -> Shelf:
    """The finished runs below a folder, with their curves where these are there.

    Raises ConfigError if the folder is not there, UnknownName for an unknown rule.
    """
    verdicts = read_verdicts()
    loaded, problems = load(folder, known, wishes.shown, verdicts)
    records, told = answering(loaded, wishes.select)
    groups: dict[tuple[str, str, str], list[Record]] = defaultdict(list)
    for one in records:
        groups[one.dataset, one.method, one.config_id].append(one)
    without: list[str] = []
    made = [
        Configuration(row, tuple(_with_curves(groups[row.dataset, row.method, row.config_id], without)))
        for row in rows(records, wishes.select, wishes.shown, wishes.level, verdicts)
    ]
    return Shelf(made, [*problems, *told, *without])


def _with_curves(group: Sequence[Record], told: list[str]) -> Iterator[Record]:
    """The runs once each, a curve that cannot be read being said and left out: the result stands."""
    for one in sorted(once(group), key=lambda run: (run.fold, run.model_seed)):
        try:
            yield with_curve(one, Path(one.folder))
        except BadCurve as error:
            told.append(f"no curve: {error}")
            yield one
