"""How a configuration was trained and tested, in words, and where it is known to differ from its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dferbench.experiment.record import Record, compute_of
from dferbench.experiment.selection import BEST, LAST
from dferbench.pages.study import Configuration, Wishes
from dferbench.pages.tables import shortened
from dferbench.report.caveats import meaning
from dferbench.report.verified import SAYS
from dferbench.types import Compute

Fact = tuple[str, Sequence[str]]
"""A term, and one sentence or several about it."""
RULES = {
    LAST: "the last epoch counts",
    BEST: "the epoch counts that is best on the test videos, which is optimistic",
}


def protocol(one: Configuration, wishes: Wishes) -> list[Fact]:
    """What must be known before the numbers are compared, the most telling first."""
    run = one.runs[0]
    found: list[Fact] = [
        ("data", list(_data(one))),
        ("model", list(_model(run))),
        ("input", list(_input(run.recipe.get("input", {})))),
        ("training", list(_training(run))),
        ("choice of epoch", [RULES.get(wishes.select, f"epochs are chosen by {wishes.select}")]),
        ("pretraining", [", ".join(run.pretraining) or "none"]),
        ("caveats", [meaning(caveat) for caveat in one.row.caveats]),
        ("differs from its source", list(wishes.deviations.get(run.method, ()))),
        ("checked", [SAYS[one.row.verified]] if one.row.verified is not None else []),
    ]
    return [(term, said) for term, said in found if said]


def _data(one: Configuration) -> Iterator[str]:
    row, run = one.row, one.runs[0]
    folds, seeds = shortened(row.folds, row.folds_of), shortened(row.seeds)
    yield f"{row.dataset}: {len(one.runs)} runs (fold {folds}; seed {seeds})"
    counts = {part: [r.videos.get(part, 0) for r in one.runs] for part in run.videos}
    yield "videos a run: " + ", ".join(f"{_between(found)} {part}" for part, found in counts.items())
    yield f"{len(run.classes)} classes: {', '.join(run.classes)}"
    if run.validation is not None:
        yield f"{run.validation.share:g} of the training videos held out to choose epochs by"
    if run.dataset_given:
        yield f"options of the dataset: {_options(run.dataset_given)}"


def _between(found: Sequence[int]) -> str:
    low, high = min(found), max(found)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _model(run: Record) -> Iterator[str]:
    yield f"{run.method}, of {run.origin}"
    if run.options:
        yield f"options: {_options(run.options)}"
    if run.checkpoint:
        yield f"not trained here: tested from the checkpoint {run.checkpoint.get('file', 'of another run')}"
    if run.outside:
        yield "predicted by another program"


def _options(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in sorted(options.items()))


def _input(seen: Mapping[str, Any]) -> Iterator[str]:
    if not seen:
        return
    yield f"{seen.get('frames', '?')} frames of {seen.get('size', '?')} pixels a side"
    for name in ("sample", "normalize", "augment", "resize"):
        if seen.get(name):
            yield f"{name}: {seen[name]}"


def _training(run: Record) -> Iterator[str]:
    stages = run.recipe.get("stages", ())
    if not stages:
        yield "none"
    for stage in stages:
        cut = f", gradients clipped at {stage['clip_grad']}" if stage.get("clip_grad") else ""
        decay = f", weight decay {stage['weight_decay']:g}" if stage.get("weight_decay") else ""
        yield (
            f"{stage.get('name', 'train')}: {stage.get('epochs', '?')} epochs, batches of "
            f"{stage.get('batch', '?')}, {stage.get('optimizer', '?')}, schedule "
            f"{stage.get('schedule', '?')}{decay}{cut}"
        )
        rates = stage.get("train") or {}
        yield "learning rates: " + "; ".join(f"{rate:g} for {name}" for name, rate in rates.items())
    yield f"precision {run.recipe.get('precision', 'fp32')}" + _unusual(run)


def _unusual(run: Record) -> str:
    usual = {name: getattr(Compute(), name) for name in Compute.__dataclass_fields__}
    found = compute_of(run.recipe)
    return "".join(f", {name} = {value}" for name, value in found.items() if value != usual.get(name))
