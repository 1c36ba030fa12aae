"""A run as a row of plain values, and each of its test videos as one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dferbench.experiment.metrics import Columns
from dferbench.experiment.record import Record
from dferbench.interface.rows import Cell, Line
from dferbench.report.by_rule import ready
from dferbench.report.leaderboard import setting


def _who(one: Record) -> dict[str, Cell]:
    return {
        "method": one.method,
        "setting": setting(one),
        "dataset": one.dataset,
        "config_id": one.config_id,
        "fold": one.fold,
        "seed": one.model_seed,
    }


def line_of(one: Record, select: str, shown: Columns) -> Line:
    """What was run, the shown metrics (in percent, None where undefined or where the run does not answer the
    rule), the epoch that the rule picks (counted from 1, None without one), and where the run lies."""
    picked = ready(one, select).picked(select) if one.answers(select) else None
    epoch, counts = picked or (-1, None)
    return {
        **_who(one),
        **{metric.name: None if counts is None else metric.of(counts) for metric in shown.metrics},
        "epoch": epoch + 1 or None,
        "epochs": one.epochs,
        "videos": one.videos.get("test"),
        "caveats": ", ".join(one.caveats),
        "seconds": one.seconds,
        "folder": one.folder,
    }


def videos_of(one: Record) -> Iterator[Line]:
    """A row a test video of a run. Raises DataError if its predictions are missing or damaged."""
    from dferbench.report.predictions import read_predictions

    said, names = read_predictions(one, Path(one.folder)), one.classes
    best = said.logits.argmax(1).tolist()
    pairs = zip(said.ids, said.labels.tolist(), best, said.logits.tolist(), strict=True)
    for video, label, guess, logits in pairs:
        yield {
            **_who(one),
            "id": video,
            "label": names[label],
            "predicted": names[guess],
            "correct": label == guess,
            **{f"logit_{name}": value for name, value in zip(names, logits, strict=True)},
        }
