"""Two configurations on the same videos: is the difference more than luck?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dferbench.errors import ConfigError
from dferbench.experiment.metrics import Columns
from dferbench.report.certainty import predicted
from dferbench.report.sides import RecordPair
from dferbench.statistics.intervals import covered
from dferbench.statistics.paired import Difference, Pair, differences, mcnemar, pairs_of
from dferbench.statistics.ranks import holm
from dferbench.statistics.scores import recall_of, score_of


def paired(pairs: Sequence[RecordPair], select: str, shown: Columns, level: float) -> dict[str, Any]:
    """The facts of the paired comparison, B minus A: McNemar's test, and of every shown metric and every
    class's recall the difference, its interval, its p, and the smallest that would have been shown.

    Raises DataError or ConfigError if predictions cannot be paired.
    """
    classes = list(dict.fromkeys(name for pair in pairs for one in pair for name in one.classes))
    videos = _predictions(pairs, select, classes)
    try:
        test = mcnemar(videos)
        found = _metrics(videos, shown, level)
        recalls = _recalls(videos, classes, level)
    except ValueError as error:
        raise ConfigError(
            str(error).replace("two runs", "the two runs"), "Compare runs on the same labels."
        ) from error
    return {
        **vars(test),
        "level": level,
        "intervals": {name: [one.low, one.high] for name, one in found.items() if one},
        "metrics": {name: one and dict(vars(one)) for name, one in found.items()},
        "classes": recalls,
        "covers": covered([one for one, _ in videos]),
    }


def _predictions(pairs: Sequence[RecordPair], select: str, classes: Sequence[str]) -> list[Pair]:
    a, b = [], []
    for one, other in pairs:
        a.append(predicted(one, select, classes))
        b.append(replace(predicted(other, select, classes), fold=a[-1].fold, seed=a[-1].seed))
    found = pairs_of(a, b)
    if not all(len(one.labels) for one, _ in found):
        raise ConfigError("no video is in both predictions", "Compare runs on the same data.")
    return found


def _metrics(pairs: Sequence[Pair], shown: Columns, level: float) -> dict[str, Difference | None]:
    found: dict[str, Difference | None] = {}
    for by_class in (True, False):
        scores = {one.name: score_of(one) for one in shown.metrics if one.over_classes is by_class}
        found |= differences(pairs, scores, by_class=by_class, level=level) if scores else {}
    return {one.name: found[one.name] for one in shown.metrics}


def _recalls(pairs: Sequence[Pair], classes: Sequence[str], level: float) -> list[dict[str, Any]]:
    """Per class with videos its difference; p is corrected for the number of classes, after Holm."""
    scores = {name: recall_of(place) for place, name in enumerate(classes)}
    found = differences(pairs, scores, by_class=True, level=level)
    there = {name: one for name, one in found.items() if one}
    corrected = holm([one.p for one in there.values()])
    return [{"class": n, **vars(one), "p": p} for (n, one), p in zip(there.items(), corrected, strict=True)]
