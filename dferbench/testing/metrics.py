"""The contract of metrics: a number within the stated bounds for any counts, and more for who is right."""

from __future__ import annotations

import copy
import random

from dferbench.experiment.counts import Counts
from dferbench.experiment.metrics import Metric, registered
from dferbench.testing.candidate import Candidate, scramble
from dferbench.testing.outcome import Rule, require

CLASSES = (2, 3, 7, 11)


def _metric(candidate: Candidate) -> Metric:
    candidate.entry.load()
    return registered(candidate.catalog)[candidate.name]


def _counts(classes: int, kind: str) -> Counts:
    """Counts of 11 videos a class: all right, all wrong, at random, or with a class that nobody shows."""
    draws = random.Random(classes)
    rows = [[0] * classes for _ in range(classes)]
    for truth in range(classes):
        for _ in range(0 if kind == "a class without videos" and truth == 0 else 11):
            wrong = (truth + 1) % classes
            said = {"all right": truth, "all wrong": wrong}.get(kind, draws.randrange(classes))
            rows[truth][said] += 1
    right = sum(rows[k][k] for k in range(classes))
    total = sum(map(sum, rows))
    top2 = {"all right": total, "all wrong": 0}.get(kind, (right + total) // 2)
    return Counts(rows, tuple(f"class {k}" for k in range(classes)), top2)


KINDS_OF_COUNTS = ("at random", "all right", "all wrong", "a class without videos")


def builds(candidate: Candidate) -> None:
    """it is registered with facts that metrics have, and its function can be called"""
    metric = _metric(candidate)
    require(callable(candidate.entry.load()), "what is registered cannot be called")
    require(metric.about.strip(), "about is empty: one line on what it measures")


def gives_numbers(candidate: Candidate) -> None:
    """for 2 to 11 classes it gives a finite number within its bounds, or None where it is not defined"""
    metric, function = _metric(candidate), candidate.entry.load()
    for classes in CLASSES:
        for kind in KINDS_OF_COUNTS:
            try:
                found = function(_counts(classes, kind))
            except ZeroDivisionError:  # what is divided by nothing is undefined, and shown as such
                continue
            where = f"for {classes} classes, {kind},"
            number = isinstance(found, int | float) and not isinstance(found, bool)
            require(found is None or number, f"{where} it gives {found!r}, neither a number nor None")
            if found is not None and metric.of(_counts(classes, kind)) is not None:
                require(metric.admits(float(found)), f"{where} it gives {found:g}, outside {metric.range}")


def is_defined_somewhere(candidate: Candidate) -> None:
    """it is defined for counts at random"""
    found = [_metric(candidate).of(_counts(classes, "at random")) for classes in CLASSES]
    require(any(one is not None for one in found), "it gives no finite number for any counts")


def knows_right_from_wrong(candidate: Candidate) -> None:
    """who is always right is at least as good as who is always wrong, and its direction says so"""
    metric = _metric(candidate)
    for classes in CLASSES:
        right, wrong = (metric.of(_counts(classes, kind)) for kind in ("all right", "all wrong"))
        if right is not None and wrong is not None:
            way = "higher" if metric.higher_is_better else "lower"
            better = right >= wrong if metric.higher_is_better else right <= wrong
            require(better, f"all right gives {right:g}, all wrong {wrong:g}, and {way} is said to be better")


def repeats(candidate: Candidate) -> None:
    """it gives the same number twice, and leaves the counts as they are"""
    metric = _metric(candidate)
    counts = _counts(7, "at random")
    before = copy.deepcopy(counts.confusion)
    found = []
    for seed in (0, 1):
        scramble(seed)
        found.append(metric.of(counts))
        require(counts.confusion == before, "it writes into the confusion matrix")
    require(found[0] == found[1], f"it gives {found[0]}, then {found[1]}, for the same counts")


METRIC: tuple[Rule[Candidate], ...] = (
    builds,
    gives_numbers,
    is_defined_somewhere,
    knows_right_from_wrong,
    repeats,
)
