"""From records to ranked rows: a pure function."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from dferbench import collector
from dferbench.errors import ConfigError, DferbenchError
from dferbench.experiment import record, selection
from dferbench.experiment.counts import pool
from dferbench.experiment.metrics import METRICS, Columns, Metric, Metrics, columns
from dferbench.experiment.record import Record
from dferbench.experiment.record_caveats import MIXED, OUTSIDE
from dferbench.report import bounds
from dferbench.report.by_rule import OPTIMISM, values
from dferbench.report.labels import facts_of, told_apart
from dferbench.report.recount import recounted
from dferbench.report.score import Score, score
from dferbench.report.verified import caveats_of, level_of
from dferbench.verification.verdict import Verdicts

if TYPE_CHECKING:
    from dferbench.statistics.intervals import Interval


@dataclass(frozen=True)
class Row:
    """One setting of one method on one dataset, over its folds and seeds.

    `scores` has each metric over the runs, None where a run lacks it; `pooled` counts all their predictions
    as one test set, which only the folds of one seed are. `best_on_test` is the mean at each run's best epoch
    on the test videos. `untested` are classes without test videos, which means over classes leave out.
    """

    method: str
    setting: str
    backbone: str
    pretraining: tuple[str, ...]
    dataset: str
    folds: tuple[int, ...]
    seeds: tuple[int, ...]
    scores: Mapping[str, Score | None]
    pooled: Mapping[str, float | None]
    best_on_test: Mapping[str, float | None]
    untested: tuple[str, ...]
    caveats: tuple[str, ...]
    config_id: str
    folders: tuple[str, ...] = ()
    """Where its runs lie, where that is known."""
    folds_of: int | None = None
    """How many folds the dataset has; None where old records do not say it."""
    below_last: tuple[str, ...] = ()
    """The metrics that are worse at the epoch that is best on the test videos, by WAR, than as selected."""
    verified: str | None = None
    """How deep the least verified of its runs was verified; None where that was not looked up."""
    without: Mapping[str, Score | None] | None = None
    """Each metric without listed test videos, None where it cannot be counted; None if not asked for."""
    optimism: Mapping[str, float | None] = field(default_factory=dict)
    """Each metric at that epoch minus that at the best on the validation videos; empty without these."""

    outside_ranks: bool = False
    """Whether predictions that were made elsewhere rank, which is asked for."""
    intervals: Mapping[str, Interval | None] = field(default_factory=dict)
    """Of each metric, if they were asked for."""

    @property
    def ranks(self) -> bool:
        """Whether this is a result; trials, drawn faces and random weights are shown, but apart."""
        return not set(self.caveats) - ({OUTSIDE} if self.outside_ranks else set())


def load(
    folder: Path,
    metrics: Metrics = METRICS,
    shown: Columns | None = None,
    verdicts: Verdicts | None = None,
) -> tuple[list[Record], list[str]]:
    """All finished records below a folder, and a line for each that is left out: of a run that is not
    finished, or a bad record, of which their number is said first. Tests on corrupted videos are left out,
    too, and their number is said.

    `metrics` are those whose stated values are checked. Top-2 hits that old records lack are counted again
    where the columns `shown` need them. Records that `verdicts` refuse are left out as bad ones are.
    Raises ConfigError if the folder is not there.
    """
    if not folder.is_dir():
        raise ConfigError(
            f"there is no folder {folder}", "Run something first, or name the folder of the runs."
        )
    needs_hits = shown is not None and any(one.needs != "confusion" for one in shown.metrics)
    with collector.paused():
        found, unfinished, bad = _sorted(folder, metrics, verdicts or {}, needs_hits=needs_hits)
    total = len(found) + len(unfinished) + len(bad)
    told = [f"{len(bad)} of {total} records below {folder} cannot be used:"] if bad else []
    made = [one for one in found if not one.stressed]
    stressed = len(found) - len(made)
    apart = [f"{stressed} tests on corrupted videos: dferbench stress shows them."] if stressed else []
    return made, [*unfinished, *apart, *told, *bad]


def _sorted(
    folder: Path, metrics: Metrics, verdicts: Verdicts, *, needs_hits: bool
) -> tuple[list[Record], list[str], list[str]]:
    """The finished records below a folder, and a line for each that is not finished, and for each bad one."""
    found, unfinished, bad = [], [], []
    for path in record.find(folder):
        try:
            one = record.read(path, metrics)
        except DferbenchError as error:
            bad.append(f"left out: {error}. {error.hint}")
            continue
        if (verdict := verdicts.get(one.sha256)) and verdict.refused:
            bad.append(f"left out: {path} was refused by dferbench verify: {verdict.refused}")
        elif one.status == "done":
            found.append(recounted(one, path.parent) if needs_hits else one)
        else:
            unfinished.append(f"{path.parent}: {one.status}{_why(one)}; not in the table.")
    return found, unfinished, bad


def _why(one: Record) -> str:
    return f" ({one.error.splitlines()[0]})" if one.error else ""


DEFAULT = columns()


def rows(
    records: Iterable[Record],
    select: str = "last",
    shown: Columns = DEFAULT,
    level: float | None = None,
    verdicts: Verdicts | None = None,
    *,
    outside_ranks: bool = False,
) -> list[Row]:
    """One row a setting, per dataset from best to worst; no two have the same method and setting. With
    `verdicts` they say how deep they were verified.

    `level` asks for intervals, in percent. Predictions that were made elsewhere rank if `outside_ranks`.
    Raises UnknownName for an unknown rule.
    """
    groups: dict[tuple[str, str, str], list[Record]] = defaultdict(list)
    for one in records:
        groups[one.dataset, one.method, one.config_id].append(one)
    labels = [f"{g[0].dataset}\n{g[0].method}\n{setting(g[0])}" for g in groups.values()]
    told = told_apart(labels, [facts_of(group[0]) for group in groups.values()])
    settings = [label.split("\n", 2)[2] for label in told]
    pairs = zip(groups.values(), settings, strict=True)
    made = [
        replace(
            _told(_row(group, select, shown, level), group, select, verdicts),
            setting=words,
            outside_ranks=outside_ranks,
        )
        for group, words in pairs
    ]
    return sorted(made, key=lambda r: (r.dataset, not r.ranks, _place(r, shown.by), r.method, r.config_id))


def _told(row: Row, group: Sequence[Record], select: str, verdicts: Verdicts | None) -> Row:
    """The row with how deep it was verified, if that is known."""
    if verdicts is None:
        return row
    runs = once(group)
    caveats = tuple(sorted({*row.caveats, *caveats_of(runs, select, verdicts)}))
    return replace(row, verified=level_of(runs, select, verdicts), caveats=caveats)


def _place(row: Row, by: Metric) -> tuple[bool, float]:
    found = row.scores[by.name]
    return by.order(None if found is None else found.mean)


def once(group: Sequence[Record]) -> list[Record]:
    """The records, tests of one model counted once: earlier releases kept them under seed 0."""
    kept: dict[tuple[Any, ...], Record] = {}
    for one in sorted(group, key=lambda record: record.seed == record.model_seed):
        kept[one.fold, one.model_seed if one.checkpoint else one.seed, one.checkpoint.get("sha256")] = one
    return [one for one in group if any(one is other for other in kept.values())]


def _row(records: Sequence[Record], select: str, shown: Columns, level: float | None) -> Row:
    group = once(records)
    picked = [one.counts(select) for one in group]
    pooled = pool(picked) if len({one.model_seed for one in group}) == 1 else None
    first = group[0]
    scores = {one.name: score(values(group, select, one)) for one in shown.metrics}
    at_best = {one.name: _mean(values(group, selection.BEST, one)) for one in shown.metrics}
    return Row(
        method=first.method,
        setting=setting(first),
        backbone=str(first.options.get("backbone", "")),
        pretraining=first.pretraining,
        dataset=first.dataset,
        folds=tuple(sorted({one.fold for one in group})),
        seeds=tuple(sorted({one.model_seed for one in group})),
        scores=scores,
        pooled={one.name: one.of(pooled) if pooled else None for one in shown.metrics},
        best_on_test=at_best,
        untested=tuple(dict.fromkeys(name for counts in picked for name in counts.untested)),
        caveats=tuple(sorted({caveat for one in group for caveat in one.caveats} | _mixed(group))),
        config_id=first.config_id,
        folders=tuple(sorted(one.folder for one in group if one.folder)),
        folds_of=max((len(one.folds) for one in group), default=0) or None,
        optimism=_optimism(group, shown),
        below_last=tuple(m.name for m in shown.metrics if _worse(m, at_best[m.name], scores[m.name])),
        intervals=bounds.intervals_if(level, group, select, shown.metrics),
    )


def _optimism(group: Sequence[Record], shown: Columns) -> dict[str, float | None]:
    if any(one.validation is None for one in group):
        return {}
    found = {one.name: score(values(group, OPTIMISM, one)) for one in shown.metrics}
    return {name: None if mean is None else mean.mean for name, mean in found.items()}


def _mixed(group: Sequence[Record]) -> set[str]:
    """The caveat of a row whose runs were made by different code, as far as their records say."""
    codes = {tuple(sorted(one.code.items())) for one in group if one.code}
    return {MIXED} if len(codes) > 1 else set()


def _worse(one: Metric, best: float | None, found: Score | None) -> bool:
    """Whether the epoch called the best gives less than the selected one, as far as two decimals show."""
    if best is None or found is None:
        return False
    return one.order(round(best, 2)) > one.order(round(found.mean, 2))


def _mean(found: Sequence[float | None]) -> float | None:
    there = [value for value in found if value is not None]
    return fmean(there) if len(there) == len(found) else None


def as_data(row: Row) -> dict[str, Any]:
    """A row as plain data. UAR and WAR also stand as first releases had them: by name next to the others'
    facts, and as pairs in `pooled` and `best_on_test`, which hold all shown metrics in their order."""
    plain = {f.name: getattr(row, f.name) for f in fields(row)}
    scores = {name: found and vars(found) for name, found in row.scores.items()}
    first: dict[str, Any] = {name: scores[name] for name in ("uar", "war") if name in scores}
    lists = {name: list(getattr(row, name).values()) for name in ("pooled", "best_on_test")}
    without = {name: found and vars(found) for name, found in (row.without or {}).items()} or None
    more: dict[str, Any] = {"best_on_test_by": "war", "without": without}
    more |= {"intervals": bounds.as_data(row.intervals)} if row.intervals else {}
    plain.pop("intervals")
    return {**plain, **first, "scores": scores, **lists, **more}


def setting(one: Record) -> str:
    """What the user changed, or "default"."""
    words = [f"{k}={v}" for k, v in sorted(one.given.items())]
    words += [f"{k}={v}" for k, v in sorted(one.dataset_options.items()) if k in one.dataset_given]
    if held := one.validation:
        words += [f"validation={held.share:g}"]
        words += [f"patience={held.patience}"] if held.patience is not None else []
    return " ".join(words) or "default"
