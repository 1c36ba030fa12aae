"""Records grouped into configurations, each with a name of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dferbench.experiment.metrics import METRICS, Metric
from dferbench.experiment.record import Record
from dferbench.report.labels import facts_of, told_apart
from dferbench.report.leaderboard import once, setting
from dferbench.report.score import Score, score


def configurations(records: Iterable[Record]) -> dict[str, list[Record]]:
    """The runs of each configuration by its label: the method, what the user set, and the dataset if there
    are several. A model that was tested twice counts once; folds and seeds are in ascending order."""
    groups: dict[tuple[str, str, str], list[Record]] = {}
    for one in records:
        groups.setdefault((one.dataset, one.method, one.config_id), []).append(one)
    several = len({dataset for dataset, _, _ in groups}) > 1
    firsts = [group[0] for group in groups.values()]
    labels = told_apart([_label(one, several) for one in firsts], [facts_of(one) for one in firsts])
    pairs = zip(labels, groups.values(), strict=True)
    return {label: sorted(once(group), key=lambda one: (one.fold, one.model_seed)) for label, group in pairs}


def _label(one: Record, several: bool) -> str:
    words = setting(one)
    label = one.method if words == "default" else f"{one.method} {words}"
    return f"{label}, {one.dataset}" if several else label


def score_of(group: Sequence[Record], metric: Metric = METRICS["uar"], select: str = "last") -> Score | None:
    """The metric over the runs of a configuration; None if some run lacks it."""
    return score([one.value(metric, select) for one in group])


def partial(found: Mapping[str, Sequence[Record]]) -> list[str]:
    """A line on each configuration without runs of some folds of its dataset."""
    lines = []
    for label, group in found.items():
        have, every = {one.fold for one in group}, {fold for one in group for fold in one.folds}
        if every - have:
            lines.append(f"{label}: {len(have)} of {len(every | have)} folds")
    return lines


def best(found: Mapping[str, Sequence[Record]], most: int) -> tuple[dict[str, Sequence[Record]], list[str]]:
    """The configurations with the highest mean UAR, in their order, and the labels of the others."""
    by = METRICS["uar"]
    means = {label: score_of(group) for label, group in found.items()}
    ranked = sorted(found, key=lambda label: by.order(one.mean if (one := means[label]) else None))
    kept = set(ranked[:most])
    return {label: group for label, group in found.items() if label in kept}, ranked[most:]
