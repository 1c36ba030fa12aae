"""The rows of a suite ranked over test sets: a table of mean ranks, the pairs, and what to know of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from dferbench.errors import ConfigError
from dferbench.experiment.metrics import Metric
from dferbench.experiment.record import Record
from dferbench.report.fitted import fitted, folded
from dferbench.statistics.ranks import PairOfRanks, Ranking, ranking

Block = tuple[str, int]
"""A dataset and a fold of it: one test set."""


@dataclass(frozen=True)
class Ranked:
    """Rows (by label) over the blocks that all of them have, and what was left out."""

    labels: tuple[str, ...]
    means: tuple[float, ...]
    blocks: tuple[Block, ...]
    metric: Metric
    level: float
    test: str
    ranking: Ranking
    left_out: tuple[str, ...]


def rank(
    rows: Mapping[str, Mapping[str, Sequence[Record]]], metric: Metric, select: str, level: float, test: str
) -> Ranked:
    """Rank rows, given as label -> dataset -> records, by their means over the seeds of each fold.

    A fold that some row lacks is no block, and a row without runs is left out. Raises ConfigError where fewer
    than two rows or blocks remain.
    """
    scores = {label: _blocks(datasets, metric, select) for label, datasets in rows.items()}
    kept = [label for label, found in scores.items() if found]
    blocks = sorted(set.intersection(*(set(scores[label]) for label in kept))) if kept else []
    if len(kept) < 2 or len(blocks) < 2:
        raise ConfigError(
            f"ranks need two rows with runs on the same two folds, got {len(kept)} and {len(blocks)}",
            "Run more: dferbench bench SUITE -d DATASET --fold all.",
        )
    table = np.array([[scores[label][block] for label in kept] for block in blocks])
    made = ranking(table if metric.higher_is_better else -table, level, test)
    return Ranked(
        tuple(kept),
        tuple(map(float, table.mean(0))),
        tuple(blocks),
        metric,
        level,
        "wilcoxon" if made.critical is None else "nemenyi",
        made,
        tuple(_left_out(scores, blocks)),
    )


def _blocks(datasets: Mapping[str, Sequence[Record]], metric: Metric, select: str) -> dict[Block, float]:
    """The mean of the seeds for each fold where every run has a value."""
    found: dict[Block, list[float | None]] = {}
    for dataset, records in datasets.items():
        for one in records:
            found.setdefault((dataset, one.fold), []).append(one.value(metric, select))
    there = {block: [v for v in values if v is not None] for block, values in found.items()}
    return {block: fmean(values) for block, values in there.items() if len(values) == len(found[block])}


def _left_out(scores: Mapping[str, Mapping[Block, float]], blocks: Sequence[Block]) -> list[str]:
    lines = [f"{label}: no finished run, left out" for label, found in scores.items() if not found]
    rest = sorted({block for found in scores.values() for block in found} - set(blocks))
    named = ", ".join(f"{dataset} fold {fold}" for dataset, fold in rest)
    return [*lines, *([f"not every row has {named}: left out"] if rest else [])]


def as_data(one: Ranked) -> dict[str, Any]:
    """For JSON: rows from best to worst, pairs, groups by label, and the diagram in words."""
    made = one.ranking
    return {
        "schema": 1,
        "by": one.metric.name,
        "level": one.level,
        "test": one.test,
        "blocks": [{"dataset": dataset, "fold": fold} for dataset, fold in one.blocks],
        "rows": [
            {"label": one.labels[i], "mean_rank": made.ranks[i], "mean": one.means[i]} for i in made.order
        ],
        "friedman": None if made.p is None else {"statistic": made.statistic, "p": made.p},
        "critical_difference": made.critical,
        "pairs": [_pair_data(one, pair) for pair in made.pairs],
        "groups": [[one.labels[i] for i in group] for group in made.groups],
        "left_out": list(one.left_out),
        "description": describe(one),
    }


def _pair_data(one: Ranked, pair: PairOfRanks) -> dict[str, Any]:
    names = {"first": one.labels[pair.first], "second": one.labels[pair.second]}
    return {**names, **{k: v for k, v in vars(pair).items() if k not in names}}


def as_text(one: Ranked) -> str:
    """The ranking, effects and intervals of the pairs, and p last."""
    made = one.ranking
    rows = [[one.labels[i], f"{made.ranks[i]:.2f}", one.metric.text(one.means[i])] for i in made.order]
    title = f"{one.metric.title} on {len(one.blocks)} test sets ({_sets(one.blocks)}); rank 1 is best"
    heads = ["better", "worse", "difference", f"{one.level:g} % interval", "smallest shown", "p"]
    pairs = [_pair_line(one, pair) for pair in made.pairs]
    blocks = [
        folded(title),
        fitted(rows, ["row", "mean rank", f"mean {one.metric.head}"]),
        fitted(pairs, heads),
    ]
    return "\n\n".join([*blocks, "\n".join(folded(line, "  ") for line in notes(one))])


def _sets(blocks: Sequence[Block]) -> str:
    names = dict.fromkeys(dataset for dataset, _ in blocks)
    return "; ".join(
        f"{name} fold {','.join(str(fold) for dataset, fold in blocks if dataset == name)}" for name in names
    )


def _pair_line(one: Ranked, pair: PairOfRanks) -> list[str]:
    bounds = f"[{pair.low:+.2f}, {pair.high:+.2f}]"
    names = [one.labels[pair.first], one.labels[pair.second]]
    return [*names, f"{pair.effect:+.2f}", bounds, f"{pair.smallest:.2f}", f"{pair.p:.3g}"]


def notes(one: Ranked) -> list[str]:
    """What must be known of the numbers."""
    made = one.ranking
    test = "Nemenyi's test" if one.test == "nemenyi" else "Wilcoxon's test with Holm's correction"
    lines = [*one.left_out, describe(one)]
    if made.p is not None:
        lines.append(f"Friedman's test, whether any two differ: p = {made.p:.3g}. Pairs: p of {test}.")
    else:
        lines.append(f"p of {test}.")
    if one.test == "wilcoxon" and 0.5 ** (made.blocks - 1) > 1 - one.level / 100:
        lines.append(
            f"With {made.blocks} test sets Wilcoxon's p is never below {0.5 ** (made.blocks - 1):.3g}: no "
            "difference can be shown."
        )
    lines.append(
        '"Smallest shown" is the true mean difference that so many test sets show in 80 of 100 cases. '
        "Intervals and it take the differences to be normal (Student's t)."
    )
    if len({dataset for dataset, _ in one.blocks}) < len(one.blocks):
        lines.append(
            "Folds of one dataset share training videos, so they are less independent than the tests take "
            "them to be; this says nothing of other datasets."
        )
    return lines


def describe(one: Ranked) -> str:
    """The diagram in words, for who cannot see it."""
    made = one.ranking
    order = ", ".join(f"{one.labels[i]} {made.ranks[i]:.2f}" for i in made.order)
    groups = "; ".join(" and ".join(one.labels[i] for i in group) for group in made.groups)
    same = f"Not shown to differ: {groups}." if groups else "Every pair differs."
    gap = "" if made.critical is None else f" Mean ranks that differ by {made.critical:.2f} or more differ."
    return f"Mean ranks: {order}.{gap} {same}"
