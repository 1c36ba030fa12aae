"""The bootstrap: the test videos of a fold drawn again and again, with replacement.

All runs of a fold are tested on the same videos, so a draw takes a video with what every run said of it. Only
how often each combination of label and answers is drawn matters, so a draw is one multinomial vector over
these combinations: exact, and independent of the order of videos.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dferbench.statistics.predictions import Floats, Ints, RunPredictions
from dferbench.statistics.scores import Tally

MISSING = -1
"""The answer of a run that left a video out."""
BATCH = 2_000_000
"""At most so many numbers are drawn at a time, 16 MB."""


@dataclass(frozen=True)
class AnswerCounts:
    """The different combinations on a fold's videos: `label` (K,), `answer` (K, runs), `count` (K,).

    An answer is the predicted class, plus the number of classes if the label is among the two best.
    """

    classes: int
    label: Ints
    answer: Ints
    count: Ints
    with_hits: bool


def answers_of(runs: Sequence[RunPredictions]) -> AnswerCounts:
    """The videos of runs of one fold, matched by id. Raises ValueError if runs disagree on a label."""
    classes = runs[0].classes
    table = np.column_stack(_columns(runs))
    unique, count = np.unique(table, axis=0, return_counts=True)
    with_hits = all(one.hits is not None for one in runs)
    return AnswerCounts(classes, unique[:, 0], unique[:, 1:], count, with_hits)


def _columns(runs: Sequence[RunPredictions]) -> list[Ints]:
    """The label of every video, then the answer of each run."""
    if len(runs) == 1:
        return [runs[0].labels, _answers(runs[0])]
    names = sorted({name for one in runs for name in one.ids or ()})
    place = {name: i for i, name in enumerate(names)}
    label = np.full(len(names), MISSING)
    columns = [label]
    for one in runs:
        if one.ids is None:
            raise ValueError("runs without ids cannot be matched")
        mine = np.array([place[name] for name in one.ids], dtype=np.int64)
        known = label[mine]
        odd = (known != MISSING) & (known != one.labels)
        if odd.any():
            raise ValueError(f"'{names[mine[odd][0]]}' has different labels in two runs")
        label[mine] = one.labels
        answer = np.full(len(names), MISSING)
        answer[mine] = _answers(one)
        columns.append(answer)
    return columns


def _answers(one: RunPredictions) -> Ints:
    return one.predicted if one.hits is None else one.predicted + one.classes * one.hits


def observed(answers: AnswerCounts) -> Tally:
    """What was counted: confusion (runs, C, C)."""
    tally = _tally(answers, answers.count[None].astype(np.float64))
    return Tally(tally.confusion[0], None if tally.hits is None else tally.hits[0])


def drawn(
    answers: AnswerCounts, resamples: int, rng: np.random.Generator, *, by_class: bool
) -> Iterator[Tally]:
    """So many draws in batches, confusion (batch, runs, C, C).

    `by_class` draws within each class: no class is lost, whose recall a mean over classes needs. Else the
    numbers of videos of the classes vary as well, as they would in another test set. Of n videos n - 1 are
    drawn and count as n, which makes the variance of a share right for small n too, where n of n would make
    it too small by (n - 1) / n (Rao and Wu, 1988, Resampling inference with complex survey data).
    """
    batch = max(1, BATCH // max(1, len(answers.count)))
    for start in range(0, resamples, batch):
        size = min(batch, resamples - start)
        groups = np.unique(answers.label) if by_class else [None]
        counts = np.zeros((size, len(answers.count)))
        for label in groups:
            mine = np.ones(len(answers.count), bool) if label is None else answers.label == label
            total = int(answers.count[mine].sum())
            fewer = max(total - 1, 1)
            found = rng.multinomial(fewer, answers.count[mine] / total, size=size)
            counts[:, mine] = found * (total / fewer)
        yield _tally(answers, counts)


def _tally(answers: AnswerCounts, counts: Floats) -> Tally:
    """Counts (B, K) of the combinations as confusion matrices (B, runs, C, C) and top-2 hits (B, runs)."""
    size, runs, classes = len(counts), answers.answer.shape[1], answers.classes
    confusion = np.zeros((size, runs, classes * classes))
    hits = np.zeros((size, runs))
    for run in range(runs):
        answer = answers.answer[:, run]
        there = answer != MISSING
        code = answers.label[there] * classes + answer[there] % classes
        codes, sums = _grouped(code, counts[:, there])
        confusion[:, run, codes] = sums
        hits[:, run] = counts[:, there & (answer >= classes)].sum(1)
    return Tally(confusion.reshape(size, runs, classes, classes), hits if answers.with_hits else None)


def _grouped(code: Ints, counts: Floats) -> tuple[Ints, Floats]:
    """The different codes (U,), and the sums (B, U) of the columns of `counts` (B, K) that have them."""
    if not len(code):
        return np.zeros(0, np.int64), counts
    order = np.argsort(code, kind="stable")
    codes, starts = np.unique(code[order], return_index=True)
    return codes, np.add.reduceat(counts[:, order], starts, axis=1)
