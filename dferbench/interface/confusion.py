"""The confusion matrix of runs together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dferbench.errors import ConfigError
from dferbench.experiment.record import Record
from dferbench.interface.rows import Line, rows_of
from dferbench.printable import printable
from dferbench.report.by_rule import ready
from dferbench.report.differences import pooled

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class ConfusionMatrix:
    """`counts` are (C, C) numbers of videos, the true class in rows and the predicted one in columns."""

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @property
    def shares(self) -> tuple[tuple[float | None, ...], ...]:
        """The share of each true class's videos, in [0, 1]; None for a class without videos."""
        return tuple(tuple(count / sum(row) if sum(row) else None for count in row) for row in self.counts)

    def frame(self) -> DataFrame:
        """The counts as a pandas data frame, true classes in its index. Raises ConfigError where pandas is
        missing."""
        found = rows_of(map(self._line, self.classes, self.counts)).frame()
        return found.set_index("true")

    def _line(self, name: str, row: tuple[int, ...]) -> Line:
        return {"true": name, **dict(zip(self.classes, row, strict=True))}

    def __str__(self) -> str:
        from dferbench.report.fitted import fitted

        rows = [[name, *map(str, row)] for name, row in zip(self.classes, self.counts, strict=True)]
        return printable(fitted(rows, ["true \\ predicted", *self.classes]))


def confusion_of(records: Sequence[Record], select: str) -> ConfusionMatrix:
    """The counts of runs of one configuration together. Raises ConfigError for none and for several."""
    if not records:
        raise ConfigError("there is no run to count", "Look at load_runs(folder) without filters.")
    several = dict.fromkeys((one.method, one.dataset, one.config_id) for one in records)
    if len(several) > 1:
        named = ", ".join(f"{method} {config} on {dataset}" for method, dataset, config in several)
        raise ConfigError(
            f"these runs are of {len(several)} configurations: {named}",
            "Choose one, for example filter(config_id=...).",
        )
    counts = pooled([ready(one, select) for one in records], select)
    return ConfusionMatrix(tuple(records[0].classes), tuple(tuple(row) for row in counts.confusion))
