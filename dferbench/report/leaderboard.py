"""From records to ranked rows: a pure function."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from dferbench.errors import ConfigError, DferbenchError
from dferbench.experiment import metrics, record
from dferbench.experiment.record import Record
from dferbench.report.score import Score, score


@dataclass(frozen=True)
class Row:
    """One setting of one method on one dataset, over its folds and seeds.

    `uar` and `war` are means over the runs; `pooled` (UAR, WAR) counts all their predictions as one test set.
    """

    method: str
    setting: str
    backbone: str
    pretraining: tuple[str, ...]
    dataset: str
    folds: tuple[int, ...]
    seeds: tuple[int, ...]
    uar: Score
    war: Score
    pooled: tuple[float, float]
    best_on_test: tuple[float, float]
    caveats: tuple[str, ...]
    config_id: str

    @property
    def ranks(self) -> bool:
        """Whether this is a result; trials, drawn faces and random weights are shown, but apart."""
        return not self.caveats


def load(folder: Path) -> tuple[list[Record], list[str]]:
    """All finished records below a folder, and a line for each file that could not be used.

    Raises ConfigError if the folder is not there.
    """
    if not folder.is_dir():
        raise ConfigError(
            f"there is no folder {folder}", "Run something first, or name the folder of the runs."
        )
    found, problems = [], []
    for path in record.find(folder):
        try:
            one = record.read(path)
        except DferbenchError as error:
            problems.append(f"{error}. {error.hint}")
            continue
        if one.status == "done":
            found.append(one)
        else:
            problems.append(f"{path.parent}: {one.status}{_why(one)}; not in the table.")
    return found, problems


def _why(one: Record) -> str:
    return f" ({one.error.splitlines()[0]})" if one.error else ""


def rows(records: Iterable[Record], select: str = "last", by: str = "uar") -> list[Row]:
    """One row a setting, per dataset from best to worst. Raises UnknownName for an unknown rule."""
    groups: dict[tuple[str, str, str], list[Record]] = defaultdict(list)
    for one in records:
        groups[one.dataset, one.method, one.config_id].append(one)
    made = [_row(group, select) for group in groups.values()]
    return sorted(made, key=lambda r: (r.dataset, not r.ranks, -getattr(r, by).mean, r.method, r.config_id))


def _row(group: Sequence[Record], select: str) -> Row:
    picked = [one.under(select) for one in group]
    best = [one.under("best-on-test") for one in group]
    pooled = metrics.pool(picked) if len({one.seed for one in group}) == 1 else None
    first = group[0]
    return Row(
        method=first.method,
        setting=setting(first),
        backbone=str(first.options.get("backbone", "")),
        pretraining=first.pretraining,
        dataset=first.dataset,
        folds=tuple(sorted({one.fold for one in group})),
        seeds=tuple(sorted({one.seed for one in group})),
        uar=score([metrics.uar(c) for c in picked]),
        war=score([metrics.war(c) for c in picked]),
        pooled=(metrics.uar(pooled), metrics.war(pooled)) if pooled else (float("nan"), float("nan")),
        best_on_test=(fmean(metrics.uar(c) for c in best), fmean(metrics.war(c) for c in best)),
        caveats=tuple(sorted({caveat for one in group for caveat in one.caveats})),
        config_id=first.config_id,
    )


def setting(one: Record) -> str:
    """What the user changed, or "default"."""
    words = [f"{k}={v}" for k, v in sorted(one.given.items())]
    words += [f"{k}={v}" for k, v in sorted(one.dataset_options.items()) if k in one.dataset_given]
    return " ".join(words) or "default"
