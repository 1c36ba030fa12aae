"""What corrupted test videos cost a model: the clean score, and how much is lost, a corruption a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dferbench.csv_text import csv_text
from dferbench.errors import ConfigError
from dferbench.experiment.metrics import Columns, Metric
from dferbench.experiment.record import Record
from dferbench.report.by_rule import values
from dferbench.report.fitted import fitted, folded
from dferbench.report.score import Score, score

NO_RANK = (
    "This is no result that ranks: corrupted videos measure robustness. Leaderboards and tables leave these "
    "records out."
)
Key = tuple[str, int]
"""A corruption and its severity, 1 to 3."""


@dataclass(frozen=True)
class Worse:
    """A corruption at one severity: `value` is what it was given, `scores` what the model reached, `drops` by
    how much that is worse than clean, both by metric, over the runs."""

    corruption: str
    severity: int
    value: float
    scores: Mapping[str, Score | None]
    drops: Mapping[str, Score | None]


@dataclass(frozen=True)
class StressTable:
    """The clean scores by metric, over `runs`, and a row for each corruption and severity."""

    method: str
    dataset: str
    config_id: str
    folds: tuple[int, ...]
    seeds: tuple[int, ...]
    caveats: tuple[str, ...]
    clean: Mapping[str, Score | None]
    rows: Sequence[Worse]


def stress_table(clean: Sequence[Record], stressed: Sequence[Record], shown: Columns) -> StressTable:
    """The table of some runs, each of which was tested clean and with every corruption.

    Raises ConfigError if the runs are of several configurations.
    """
    ids = sorted({f"{one.method} {one.checkpoint.get('config_id', '')}" for one in clean})
    if len(ids) > 1:
        raise ConfigError(
            f"these are checkpoints of several configurations: {', '.join(ids)}",
            "Give the folder of one of them; all its folds and seeds make one table.",
        )
    base = {(one.fold, one.seed): one for one in clean}
    groups: dict[Key, list[Record]] = {}
    for one in stressed:
        facts = one.checkpoint["stress"]
        groups.setdefault((facts["corruption"], facts["severity"]), []).append(one)
    first = clean[0]
    return StressTable(
        method=first.method,
        dataset=first.dataset,
        config_id=str(first.checkpoint.get("config_id", "")),
        folds=tuple(sorted({one.fold for one in clean})),
        seeds=tuple(sorted({one.seed for one in clean})),
        caveats=tuple(dict.fromkeys(caveat for one in clean for caveat in one.caveats)),
        clean={m.name: score(values(clean, "last", m)) for m in shown.metrics},
        rows=[_worse(key, group, base, shown) for key, group in groups.items()],
    )


def _worse(
    key: Key, group: Sequence[Record], base: Mapping[tuple[int, int], Record], shown: Columns
) -> Worse:
    pairs = [(base[one.fold, one.seed], one) for one in group]
    return Worse(
        *key,
        value=group[0].checkpoint["stress"]["value"],
        scores={m.name: score(values(group, "last", m)) for m in shown.metrics},
        drops={m.name: score([_drop(m, *pair) for pair in pairs]) for m in shown.metrics},
    )


def _drop(metric: Metric, clean: Record, stressed: Record) -> float | None:
    before, after = clean.value(metric, "last"), stressed.value(metric, "last")
    if before is None or after is None:
        return None
    return before - after if metric.higher_is_better else after - before


def as_text(table: StressTable, shown: Columns) -> str:
    """The clean scores, a row a corruption with what is lost at each severity, and what that is worth."""
    clean = ", ".join(f"{one.title} {_text(table.clean[one.name])}" for one in shown.metrics)
    runs = len(table.folds) * len(table.seeds)
    caveats = f" ({', '.join(table.caveats)})" if table.caveats else ""
    said = f"{table.method} {table.config_id} on {table.dataset}{caveats}, {runs} run{'s' * (runs != 1)}"
    heads = ["corruption"] + [f"{m.head} {part}" for m in shown.metrics for part in ("1", "2", "3", "mean")]
    names = list(dict.fromkeys(row.corruption for row in table.rows))
    lines = [[name, *(cell for m in shown.metrics for cell in _cells(table, name, m))] for name in names]
    rows = fitted(lines, heads, align=["left"] + ["right"] * (len(heads) - 1))
    below = "Loss against clean in points (negative: a gain) at severities 1 to 3, and their mean."
    return "\n\n".join([folded(said), f"clean: {clean}", rows, folded(f"{below} {NO_RANK}")])


def _cells(table: StressTable, corruption: str, metric: Metric) -> list[str]:
    found = {row.severity: row.drops[metric.name] for row in table.rows if row.corruption == corruption}
    drops = [found.get(severity) for severity in (1, 2, 3)]
    means = [one.mean for one in drops if one is not None]
    mean = f"{sum(means) / len(means):.2f}" if len(means) == len(drops) else "-"
    return [*map(_text, drops), mean]


def _text(found: Score | None) -> str:
    return "-" if found is None else str(found)


def as_csv(table: StressTable, shown: Columns) -> str:
    """A line a corruption and severity, first the clean scores; numbers in full."""
    parts = ("", " std", " drop", " drop std")
    numbers = [f"{m.title}{part}" for m in shown.metrics for part in parts]
    clean = [cell for m in shown.metrics for cell in (*_pair(table.clean[m.name]), None, None)]
    rows = [
        [row.corruption, row.severity, row.value]
        + [c for m in shown.metrics for c in (*_pair(row.scores[m.name]), *_pair(row.drops[m.name]))]
        for row in table.rows
    ]
    return csv_text([["corruption", "severity", "value", *numbers], ["clean", None, None, *clean], *rows])


def _pair(found: Score | None) -> tuple[float | None, float | None]:
    return (found.mean, found.spread) if found else (None, None)


def as_data(table: StressTable, shown: Columns) -> dict[str, Any]:
    """One JSON object; missing numbers are null."""
    plain = {name: getattr(table, name) for name in ("method", "dataset", "config_id", "folds", "seeds")}
    rows = [{**vars(row), "scores": _plain(row.scores), "drops": _plain(row.drops)} for row in table.rows]
    facts = {"schema": 1, **plain, "caveats": list(table.caveats), "ranks": False, "about": NO_RANK}
    return {**facts, "metrics": [m.name for m in shown.metrics], "clean": _plain(table.clean), "rows": rows}


def _plain(scores: Mapping[str, Score | None]) -> dict[str, Any]:
    return {name: found and vars(found) for name, found in scores.items()}
