"""How far the probabilities of runs can be trusted: from the logits that they kept, a row a setting."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dferbench.errors import DataError
from dferbench.experiment.record import VALIDATION, Record
from dferbench.report.caveats import meaning
from dferbench.report.fitted import fitted, folded
from dferbench.report.labels import facts_of, told_apart
from dferbench.report.leaderboard import setting
from dferbench.report.predictions import Predicted, read_logits, read_predictions
from dferbench.report.score import score
from dferbench.statistics import calibration as computed

Votes = Mapping[str, Sequence[float]]
"""How many annotators chose each class of a record, by id of the video."""
NO_SCORES = ("labels", "answers")
"""What outside predictions may be made of that has no probabilities."""


@dataclass(frozen=True)
class Numbers:
    """What the probabilities of one run are worth; see `dferbench.statistics.calibration`."""

    ece: float
    adaptive_ece: float
    brier: float
    nll: float
    aurc: float


@dataclass(frozen=True)
class Fitted:
    """The temperature that was fitted on validation videos, how many those were, and the test with it."""

    temperature: float
    validation_videos: int
    numbers: Numbers


@dataclass(frozen=True)
class Agreement:
    """The mean divergence from annotators' votes, in nats, over the test videos that have votes."""

    videos: int
    kl: float
    js: float


@dataclass(frozen=True)
class Run:
    """One run: its record, its test logits (N, C) and labels (N,), and what was computed of them."""

    record: Record
    logits: NDArray[Any]
    labels: NDArray[np.int64]
    plain: Numbers
    fitted: Fitted | None
    votes: Agreement | None


def read_run(record: Record, folder: Path, bins: int, votes: Votes) -> Run:
    """What the run in a folder kept, measured in so many bins. Raises DataError if it has no probabilities,
    its predictions are gone or damaged, or its validation videos are among those of the test."""
    taken = record.outside.get("taken")
    if taken in NO_SCORES:
        raise DataError(f"{folder} has {taken} and no scores", "Score a file of probabilities or logits.")
    if record.outside.get("without an answer"):
        raise DataError(f"{folder} has videos without an answer", "Score a file that has all of them.")
    found = read_predictions(record, folder)
    plain = _numbers(found.logits, found.labels, bins, 1.0)
    fit = _fitted(record, folder, found, bins)
    return Run(record, found.logits, found.labels, plain, fit, _agreement(found, votes))


def _numbers(logits: NDArray[Any], labels: NDArray[np.int64], bins: int, temperature: float) -> Numbers:
    confidence, right = computed.confidences(logits, labels, temperature)
    return Numbers(
        ece=computed.calibration_error(computed.equal_width(confidence, right, bins)),
        adaptive_ece=computed.calibration_error(computed.equal_mass(confidence, right, bins)),
        brier=computed.brier_score(logits, labels, temperature),
        nll=computed.negative_log_likelihood(logits, labels, temperature),
        aurc=computed.area_under_risk(confidence, right),
    )


def _fitted(record: Record, folder: Path, tested: Predicted, bins: int) -> Fitted | None:
    if not (folder / VALIDATION).exists():
        return None
    held = read_logits(folder / VALIDATION, len(record.classes))
    if shared := set(held.ids) & set(tested.ids):
        raise DataError(
            f"{folder / VALIDATION} has {len(shared)} videos of the test, such as '{min(shared)}'",
            "Repeat that run: nothing may be fitted on the test.",
        )
    if not held.ids:
        return None
    temperature = computed.fitted_temperature(held.logits, held.labels)
    numbers = _numbers(tested.logits, tested.labels, bins, temperature)
    return Fitted(temperature, len(held.ids), numbers)


def _agreement(found: Predicted, votes: Votes) -> Agreement | None:
    places = [place for place, name in enumerate(found.ids) if name in votes]
    if not places:
        return None
    said = np.array([votes[found.ids[place]] for place in places], dtype=np.float64)
    return Agreement(len(places), *computed.divergences(said, found.logits[places]))


@dataclass(frozen=True)
class CalibrationRow:
    """The runs of one configuration, and what they are called."""

    method: str
    setting: str
    runs: Sequence[Run]

    @property
    def first(self) -> Record:
        """The record of one of them, for what all have."""
        return self.runs[0].record

    @property
    def caveats(self) -> list[str]:
        """Of any of them."""
        return sorted({caveat for run in self.runs for caveat in run.record.caveats})


def rows(runs: Iterable[Run]) -> list[CalibrationRow]:
    """A row a configuration, by dataset and method; no two are called alike."""
    groups: dict[tuple[str, str, str], list[Run]] = defaultdict(list)
    for run in runs:
        groups[run.record.dataset, run.record.method, run.record.config_id].append(run)
    records = [mine[0].record for mine in groups.values()]
    labels = [f"{one.dataset}\n{one.method}\n{setting(one)}" for one in records]
    told = [label.split("\n", 2) for label in told_apart(labels, list(map(facts_of, records)))]
    made = [CalibrationRow(one[1], one[2], mine) for one, mine in zip(told, groups.values(), strict=True)]
    return sorted(made, key=lambda row: (row.first.dataset, row.method, row.setting))


Of = Callable[[Run], float | None]
COLUMNS: Mapping[str, Of] = {
    "ECE": lambda run: run.plain.ece,
    "adaptive ECE": lambda run: run.plain.adaptive_ece,
    "Brier": lambda run: run.plain.brier,
    "NLL": lambda run: run.plain.nll,
    "AURC": lambda run: run.plain.aurc,
}
WITH_TEMPERATURE: Mapping[str, Of] = {
    "T": lambda run: run.fitted.temperature if run.fitted else None,
    "ECE at T": lambda run: run.fitted.numbers.ece if run.fitted else None,
    "NLL at T": lambda run: run.fitted.numbers.nll if run.fitted else None,
}
WITH_VOTES: Mapping[str, Of] = {
    "KL to votes": lambda run: run.votes.kl if run.votes else None,
    "JS to votes": lambda run: run.votes.js if run.votes else None,
}


def columns(found: Sequence[CalibrationRow]) -> dict[str, Of]:
    """The columns that any run has a number for."""
    runs = [run for row in found for run in row.runs]
    fit = WITH_TEMPERATURE if any(run.fitted for run in runs) else {}
    votes = WITH_VOTES if any(run.votes for run in runs) else {}
    return {**COLUMNS, **fit, **votes}


def as_text(found: Sequence[CalibrationRow], bins: int) -> str:
    """A table: the mean over the runs of each configuration, and their standard deviation."""
    shown = columns(found)
    lines = [_line(row, shown) for row in found]
    heads = ["dataset", "method", "setting", "runs", *shown]
    notes = [
        f"Test videos, last epoch. ECE in {bins} bins of equal width, adaptive ECE in {bins} of equal "
        "numbers; AURC is the mean risk over coverages; NLL and divergences in nats. All are better lower.",
        *_about_temperature(found),
        *(meaning(caveat) for caveat in sorted({caveat for row in found for caveat in row.caveats})),
    ]
    return "\n\n".join([fitted(lines, heads, labels=3), "\n".join(map(folded, notes))])


def _line(row: CalibrationRow, shown: Mapping[str, Of]) -> list[str]:
    caveats = f" ({', '.join(row.caveats)})" if row.caveats else ""
    cells = [_cell([of(run) for run in row.runs]) for of in shown.values()]
    return [row.first.dataset, f"{row.method}{caveats}", row.setting, str(len(row.runs)), *cells]


def _cell(values: Sequence[float | None]) -> str:
    found = score(values)
    if found is None:
        return "-"
    return f"{found.mean:.3f}" if found.spread is None else f"{found.mean:.3f} ± {found.spread:.3f}"


def _about_temperature(found: Sequence[CalibrationRow]) -> Iterator[str]:
    runs = [run for row in found for run in row.runs]
    without = sum(run.fitted is None for run in runs)
    if without < len(runs):
        yield "T is the temperature with the least NLL on the validation videos of each run."
    if without:
        yield (
            f"{without} of {len(runs)} runs held no validation videos out: no temperature is fitted for "
            "them, as on test videos it may not be."
        )


def as_data(found: Sequence[CalibrationRow], bins: int) -> dict[str, Any]:
    """The same as plain data, with every run."""
    return {"schema": 1, "bins": bins, "rows": [_row(row) for row in found]}


def _row(row: CalibrationRow) -> dict[str, Any]:
    one = row.first
    means = {name: score([of(run) for run in row.runs]) for name, of in columns([row]).items()}
    return {
        "dataset": one.dataset,
        "method": row.method,
        "setting": row.setting,
        "config_id": one.config_id,
        "caveats": row.caveats,
        "means": {name: found and vars(found) for name, found in means.items()},
        "runs": [_run(run) for run in row.runs],
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "folder": run.record.folder,
        "fold": run.record.fold,
        "seed": run.record.seed,
        "videos": len(run.labels),
        **asdict(run.plain),
        "fitted": run.fitted and asdict(run.fitted),
        "votes": run.votes and asdict(run.votes),
    }
