"""A configuration's metrics on parts of its test videos, and whether the parts differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dferbench.csv_text import csv_text
from dferbench.experiment.metrics import Columns, Metric
from dferbench.experiment.record import Record
from dferbench.report.caveats import meaning
from dferbench.report.fitted import fitted, folded
from dferbench.report.predictions import read_predictions
from dferbench.report.slice_columns import Slicing
from dferbench.statistics.predictions import RunPredictions
from dferbench.statistics.ranks import holm
from dferbench.statistics.slices import FEWEST, Gap, Slice, gap_of, part_of, pooled


@dataclass(frozen=True)
class Sliced:
    """The parts of one configuration's test videos by one column.

    `gap` is of the metric that is tested, None where no test is possible, and `p` its p after Holm's
    correction for all tests that are shown together. `unstated` counts the videos that are in no part.
    """

    method: str
    config_id: str
    dataset: str
    runs: int
    caveats: tuple[str, ...]
    column: str
    about: str
    unstated: int
    parts: Sequence[Slice]
    gap: Gap | None
    p: float | None = None


def predictions_of(record: Record) -> RunPredictions:
    """What a run predicted after its last epoch. Raises DataError if that is not there or not its own."""
    found = read_predictions(record, Path(record.folder))
    ranked = np.argsort(-found.logits, axis=1, kind="stable")
    return RunPredictions(
        record.fold,
        record.model_seed,
        len(record.classes),
        found.labels.astype(np.int64),
        found.logits.argmax(1),
        found.ids,
        (ranked[:, :2] == found.labels[:, None]).any(1),
    )


def sliced(records: Sequence[Record], runs: Sequence[RunPredictions], how: Slicing, shown: Columns) -> Sliced:
    """The parts of the test videos that the runs of one configuration were tested on."""
    together, first = pooled(runs), records[0]
    parts = [
        part_of(name, [_inside(run, how, name) for run in together], shown.metrics) for name in how.names
    ]
    large = [one.name for one in parts if not one.too_small]
    places = {name: large.index(part) for name, part in how.part.items() if part in large}
    ids = {name for run in together for name in run.ids or ()}
    keyed = {name: places[own] for name in ids if (own := name.split("/", 1)[1]) in places}
    return Sliced(
        method=first.method,
        config_id=first.config_id,
        dataset=first.dataset,
        runs=len(runs),
        caveats=tuple(dict.fromkeys(caveat for one in records for caveat in one.caveats)),
        column=how.column,
        about=how.about,
        unstated=sum(name.split("/", 1)[1] not in how.part for name in ids),
        parts=parts,
        gap=gap_of(together, keyed, large, shown.by),
    )


def _inside(run: RunPredictions, how: Slicing, name: str) -> RunPredictions:
    return run.where(np.array([how.part.get(i.split("/", 1)[1]) == name for i in run.ids or ()], dtype=bool))


def corrected(found: Sequence[Sliced]) -> list[Sliced]:
    """The same with p after Holm's correction for the number of tests."""
    tested = [one for one in found if one.gap]
    p_values = iter(holm([one.gap.p for one in tested if one.gap]))
    return [replace(one, p=next(p_values)) if one.gap else one for one in found]


def as_text(found: Sequence[Sliced], shown: Columns) -> str:
    """A table a configuration and column, each with its test, and below them what the numbers are."""
    tests = sum(one.gap is not None for one in found)
    blocks = [_block(one, shown, tests) for one in found]
    notes = [
        "In brackets: 95 % intervals over other test videos (and seeds, where there are several). Folds "
        "count as one test set.",
        "p: how often parts drawn at random within fold and class differ as much; it tells nothing of why.",
    ]
    notes += [meaning(caveat) for caveat in sorted({caveat for one in found for caveat in one.caveats})]
    return "\n\n".join([*blocks, "\n".join(folded(note, "    ") for note in notes)])


def _block(one: Sliced, shown: Columns, tests: int) -> str:
    title = f"{one.method} {one.config_id} on {one.dataset}, {one.runs} run{'s' * (one.runs != 1)}"
    heads = [one.column, "videos", "classes", *shown.heads]
    rows = [
        [part.name, part.videos, part.classes, *(_cell(part, m) for m in shown.metrics)] for part in one.parts
    ]
    table = fitted(rows, heads, align=["left"] + ["right"] * (len(heads) - 1))
    return "\n\n".join([folded(title), table, "\n".join(folded(line) for line in _said(one, shown, tests))])


def _cell(part: Slice, metric: Metric) -> str:
    value, sure = part.scores[metric.name], part.intervals[metric.name]
    if value is None:
        return "-"
    return f"{value:.2f}" + (f" [{sure.low:.2f}, {sure.high:.2f}]" if sure else "")


def _said(one: Sliced, shown: Columns, tests: int) -> list[str]:
    small = [part.name for part in one.parts if part.too_small]
    lines = [one.about] if one.about else []
    if small:
        few = f"fewer than {FEWEST} videos, too few to say anything: no interval and no test"
        lines.append(f"{', '.join(small)}: {few}")
    if one.unstated:
        lines.append(f"{one.unstated} test videos have no {one.column} and are left out")
    if one.gap is None or one.p is None:
        return [*lines, "No test: it needs two parts that are large enough."]
    also = f", {one.p:.3g} with Holm's correction for {tests} tests" if tests > 1 else ""
    return [
        *lines,
        f"{shown.by.title}: largest gap {one.gap.size:.2f}, between {one.gap.best} and {one.gap.worst}; "
        f"permutation p = {one.gap.p:.3g}{also}.",
    ]


def as_csv(found: Sequence[Sliced], shown: Columns) -> str:
    """A line a part, numbers in full; the test stands in every line of its column."""
    numbers = [f"{m.title}{part}" for m in shown.metrics for part in ("", " low", " high")]
    facts = ["method", "config_id", "dataset", "column", "part", "videos", "classes"]
    test = [f"{shown.by.title} gap", "p", "p corrected", "caveats"]
    lines = [_line(one, part, shown) for one in found for part in one.parts]
    return csv_text([[*facts, *numbers, *test], *lines])


def _line(one: Sliced, part: Slice, shown: Columns) -> list[object]:
    numbers: list[float | None] = []
    for metric in shown.metrics:
        sure = part.intervals[metric.name]
        numbers += [part.scores[metric.name], *((sure.low, sure.high) if sure else (None, None))]
    facts = [one.method, one.config_id, one.dataset, one.column, part.name, part.videos, part.classes]
    test = [one.gap.size, one.gap.p, one.p] if one.gap else [None, None, None]
    return [*facts, *numbers, *test, "; ".join(one.caveats)]


def as_data(found: Sequence[Sliced], shown: Columns) -> dict[str, Any]:
    """One JSON object; missing numbers are null."""
    plain = [{**asdict(one), "parts": [_plain(part) for part in one.parts]} for one in found]
    metrics = [m.name for m in shown.metrics]
    return {"schema": 1, "metrics": metrics, "tested": shown.by.name, "fewest": FEWEST, "slices": plain}


def _plain(part: Slice) -> Mapping[str, Any]:
    return {**asdict(part), "too_small": part.too_small}
