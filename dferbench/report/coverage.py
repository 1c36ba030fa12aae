"""What is missing behind a number: classes without test videos, folds that were not run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from dferbench.experiment.counts import Counts
from dferbench.experiment.metrics import Metric
from dferbench.experiment.record import Record
from dferbench.report.score import Score


def gaps(
    picked: Sequence[Counts], shown: Sequence[Metric], scores: Mapping[str, Score | None]
) -> Iterator[str]:
    """Why a number is missing, and what means over classes leave out."""
    for one in shown:
        if scores[one.name] is None:
            why = " (older records have no top-2 hits)" if one.needs != "confusion" else ""
            yield f"{one.title} is not defined for what at least one of the runs counted{why}"
    if names := dict.fromkeys(name for counts in picked for name in counts.untested):
        yield f"no test video of {', '.join(names)}, left out of means over classes"


def coverage(records: Sequence[Record], folds: tuple[int, ...]) -> Iterator[str]:
    """Which folds were not run, and whether some were run with more seeds."""
    seeds = Counter(one.fold for one in records)
    if set(seeds) < set(folds):
        names = ", ".join(map(str, sorted(seeds)))
        yield f"only fold {names} of {len(folds)}"
    if len(set(seeds.values())) > 1:
        yield "some folds have more seeds than others"
