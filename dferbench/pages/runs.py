"""Single runs: their scores, where they come from, and what they predicted."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from dferbench.csv_text import csv_text
from dferbench.errors import DferbenchError
from dferbench.experiment.metrics import Columns
from dferbench.experiment.record import NAME, Record
from dferbench.pages.protocol import Fact
from dferbench.pages.study import Configuration
from dferbench.pages.tables import DataTable, TableCell, counted, scored
from dferbench.registry.datasets import written
from dferbench.report.predictions import read_predictions
from dferbench.trackers import events

Place: TypeAlias = "Callable[[Configuration, int], str]"
"""Where the predictions of a run are, "" if nowhere: given a configuration and the number of its run."""


@dataclass(frozen=True)
class Provenance:
    """A run, and all that is known of where it comes from."""

    title: str
    facts: Sequence[Fact]
    href: str = ""
    """Where its predictions are; empty if nowhere."""
    download: str = ""
    """The name under which they are saved."""


def scores(one: Configuration, select: str, shown: Columns) -> DataTable:
    """A row a run: its scores at the epoch that counts, videos, epochs, seconds."""
    heads = ("run", "fold", "seed", *shown.heads, "epoch", "epochs", "test videos", "seconds")
    return DataTable(
        f"Single runs of {one.label}, in percent; selection: {select}",
        heads,
        tuple(_line(run, select, shown) for run in one.runs),
        sorts=True,
    )


def title(one: Record) -> str:
    """A run within its configuration."""
    return f"fold {one.fold} seed {one.model_seed}"


def _line(one: Record, select: str, shown: Columns) -> tuple[TableCell, ...]:
    epoch, counts = one.picked(select)
    facts = [epoch + 1 if epoch >= 0 else None, one.epochs, counts.total]
    name = TableCell(title(one), f"{one.fold:06} {one.model_seed:012}")
    numbers = [scored(metric, metric.of(counts)) for metric in shown.metrics]
    rest = [*map(counted, facts), counted(one.seconds, "{:.1f}")]
    return (name, counted(one.fold), counted(one.model_seed), *numbers, *rest)


def provenances(one: Configuration, predictions: Place) -> list[Provenance]:
    """Of every run when, where, with what and from which files it was made."""
    return [
        Provenance(
            title(run),
            [fact for fact in _facts(run) if fact[1]],
            predictions(one, place),
            f"{one.key}-fold{run.fold}-seed{run.model_seed}.csv",
        )
        for place, run in enumerate(one.runs)
    ]


def _facts(one: Record) -> Iterator[Fact]:
    began = _began(one)
    yield "date", [_date(one, began)]
    yield "host", [str(began["host"])] if began.get("host") else []
    yield "command", [command(one)] if not (one.checkpoint or one.outside) else []
    yield "device", [str(one.environment["device"])] if "device" in one.environment else []
    plain = {k: v for k, v in one.environment.items() if k not in ("packages", "device") and v != ""}
    yield "software", [f"{name} {value}" for name, value in plain.items()]
    yield "packages", [f"{name} {version}" for name, version in one.environment.get("packages", {}).items()]
    yield "configuration", [one.config_id]
    yield "data", [one.data] if one.data else []
    yield "weights", [_weights(name, used) for name, used in one.weights.items()]
    yield "checkpoint", [f"{name}: {value}" for name, value in one.checkpoint.items() if value]
    yield "outside", [f"{name}: {value}" for name, value in one.outside.items() if value]
    yield "notes", [f"{name}: {value}" for name, value in one.notes.items()]
    yield "left out", one.skipped
    yield "code", [f"{name}: {sha256}" for name, sha256 in one.code.items()]
    yield "folder", [one.folder]
    yield "files", [f"{name}: sha256 {sha256}" for name, sha256 in {NAME: one.sha256, **one.files}.items()]


def _began(one: Record) -> dict[str, Any]:
    """What the run reported when it began, if that is there; a damaged report proves nothing."""
    try:
        found = events.standing(Path(one.folder) / events.NAME)
    except (DferbenchError, OSError, KeyError, TypeError, ValueError):
        return {}
    return found.start if found else {}


def _date(one: Record, began: dict[str, Any]) -> str:
    if began.get("time"):
        return f"began {began['time']}"
    written_at = datetime.fromtimestamp((Path(one.folder) / NAME).stat().st_mtime, UTC)
    return f"record written {written_at.isoformat(timespec='seconds')}"


def _weights(name: str, used: dict[str, Any]) -> str:
    return f"{name}: " + ", ".join(f"{key} {value}" for key, value in used.items())


def command(one: Record) -> str:
    """The command that makes such a run again, as its record states what was asked for."""
    words = ["dferbench", "run", "-m", one.method, "-d", written(one.dataset, one.dataset_given)]
    words += ["--fold", str(one.fold), "--seed", str(one.seed)]
    words += [word for name, value in sorted(one.given.items()) for word in ("--set", f"{name}={value}")]
    words += ["--limit", str(one.limit)] if one.limit is not None else []
    if held := one.validation:
        words += ["--validation", f"{held.share:g}"]
        words += ["--patience", str(held.patience)] if held.patience is not None else []
    for name, used in one.weights.items():
        words += ["--weights", f"{name}=random"] if used.get("random") else []
    return shlex.join(words)


def predictions_csv(one: Record) -> str | None:
    """What the run predicted after its last epoch, a line a video; None where that is not kept."""
    try:
        found = read_predictions(one, Path(one.folder))
    except DferbenchError:
        return None
    said = found.logits.argmax(1)
    heads = ["id", "truth", "predicted", "right", *(f"logit of {name}" for name in one.classes)]
    rows = zip(found.ids, found.labels.tolist(), said.tolist(), found.logits.tolist(), strict=True)
    lines = [
        [name, one.classes[truth], one.classes[answer], int(truth == answer), *(f"{x:.6g}" for x in logits)]
        for name, truth, answer, logits in rows
    ]
    return csv_text([heads, *lines])
