"""Where two records differ in what was run, field by field: what must be known before their numbers are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dferbench.experiment.counts import NO_ANSWER, Counts, pool, precisions
from dferbench.experiment.metrics import Columns
from dferbench.experiment.record import Record, compute_of
from dferbench.report.score import score

Difference = tuple[str, Any, Any]
"""The field, and its value in either record; None where one of them has no such field."""

PARTS = (
    "method", "origin", "options", "recipe", "dataset", "dataset_options", "dataset_notes", "synthetic",
    "classes", "fold", "seed", "data", "videos", "validation", "trial",
    "limit", "skipped", "selection", "weights", "checkpoint", "outside",
    "code", "decoders", "parameters", "notes", "environment",
)  # fmt: skip
"""What is compared, in the order in which it is listed."""


def differences(a: Record, b: Record, rule: str) -> list[Difference]:
    """Every field of the protocol that differs, results left out; `rule` selects the epoch of both."""
    left, right = (dict(_flat(_protocol(one, rule))) for one in (a, b))
    names = dict.fromkeys([*left, *right])
    order = {part: place for place, part in enumerate(PARTS)}
    found = [(n, left.get(n), right.get(n)) for n in names if left.get(n) != right.get(n)]
    # A file that only one of them has belongs to another method or part, which is listed itself.
    found = [one for one in found if not one[0].startswith("code.") or None not in one[1:]]
    return sorted(found, key=lambda one: order[one[0].split(".")[0]])


def unlike(a: Record, b: Record) -> list[str]:
    """Why two records' numbers say nothing about each other; empty if they were tested on the same videos."""
    reasons = []
    if a.dataset != b.dataset:
        reasons.append(f"one is about {a.dataset}, the other about {b.dataset}")
    elif a.fold != b.fold:
        reasons.append(f"one is of fold {a.fold}, the other of fold {b.fold}")
    elif a.data != b.data:
        reasons.append("their ids, labels or splits differ")
    if (set(a.classes) ^ set(b.classes)) - {NO_ANSWER}:
        reasons.append("their classes differ")
    if a.trial != b.trial:
        reasons.append("one is a trial of dferbench tune, tested on validation videos")
    if a.limit != b.limit:
        reasons.append(f"their --limit differs ({a.limit or 'none'}, {b.limit or 'none'})")
    return reasons


def _protocol(one: Record, rule: str) -> dict[str, Any]:
    facts = one.model_dump(include=set(PARTS))
    stages = {stage["name"]: stage for stage in one.recipe.get("stages", ())}
    recipe = {**{k: v for k, v in one.recipe.items() if k != "stages"}, "stage": stages}
    recipe["compute"] = compute_of(one.recipe)
    epochs = one.epochs
    chosen = f"{rule} of {epochs} epochs" if epochs else "no epochs"
    facts["validation"] = facts["validation"] or {}
    return {**facts, "recipe": recipe, "selection": chosen, "decoders": sorted(one.decoders)}


def _flat(thing: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in thing.items():
        path = f"{above}{name}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}.")
        else:
            yield path, list(value) if isinstance(value, tuple) else value


def by_class(a: Sequence[Record], b: Sequence[Record], rule: str) -> list[dict[str, Any]]:
    """Per class that either side has: recall and precision in percent, its videos, how many were right.

    Runs of a side are counted as one; those of several seeds count a video as often as it was tested.
    """
    left, right = (_classes(side, rule) for side in (a, b))
    names = dict.fromkeys(name for one in (*a, *b) for name in one.classes)
    return [{"class": name, "a": left.get(name), "b": right.get(name)} for name in names]


def _classes(runs: Sequence[Record], rule: str) -> dict[str, dict[str, Any]]:
    counts = pooled(runs, rule)
    confusion = counts.confusion
    found = zip(runs[0].classes, confusion, counts.recalls, precisions(confusion), strict=True)
    return {
        name: {
            "recall": _percent(recall),
            "precision": _percent(precision),
            "right": row[k],
            "videos": sum(row),
        }
        for k, (name, row, recall, precision) in enumerate(found)
    }


def pooled(runs: Sequence[Record], rule: str) -> Counts:
    """The counts of a side's runs, which have the same classes, together."""
    return pool([one.counts(rule) for one in runs])


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def numbers(runs: Sequence[Record], rule: str, shown: Columns) -> dict[str, float | None]:
    """The means of the shown metrics over a side's runs, None where one is undefined."""
    found = {metric.name: score([one.value(metric, rule) for one in runs]) for metric in shown.metrics}
    return {name: None if one is None else one.mean for name, one in found.items()}
