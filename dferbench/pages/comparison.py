"""Configurations of one dataset against each other: pairs on the same videos, and ranks over folds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dferbench.errors import DferbenchError
from dferbench.experiment.record import Record
from dferbench.pages.pictures import DrawnFigure, ranks_picture
from dferbench.pages.study import Configuration, Wishes
from dferbench.pages.tables import DataTable, TableCell, counted, said
from dferbench.report.differences import unlike
from dferbench.report.paired import paired
from dferbench.report.ranks import Ranked, notes, rank
from dferbench.report.sides import Side, record_pairs

MOST, MOST_RANKED = 4, 12
"""So many others are compared with the best in pairs, which takes seconds each, and so many are ranked."""


@dataclass(frozen=True)
class ComparedConfigurations:
    """Of one dataset: the best against others, ranks if there are enough folds, and what must be known."""

    dataset: str
    pairs: Sequence[DataTable]
    pictures: Sequence[DrawnFigure]
    notes: Sequence[str]


def comparison(
    dataset: str, configurations: Sequence[Configuration], wishes: Wishes
) -> ComparedConfigurations | None:
    """None where fewer than two configurations can be compared. Rows that do not rank are compared only where
    none does."""
    ranking = [one for one in configurations if one.row.ranks]
    every = ranking if len(ranking) > 1 else list(configurations)
    if len(every) < 2:
        return None
    chosen = every[:MOST_RANKED]
    told = list(_left_out(configurations, every))
    pairs = [_pair(chosen[0], other, wishes, told) for other in chosen[1 : MOST + 1]]
    ranked = _ranked(dataset, chosen, wishes, told)
    pictures = ranks_picture(f"ranks-{chosen[0].key}", ranked, chosen, told) if ranked else []
    return ComparedConfigurations(dataset, [one for one in pairs if one], pictures, told)


def _left_out(configurations: Sequence[Configuration], every: Sequence[Configuration]) -> Iterator[str]:
    if len(every) < len(configurations):
        yield f"{len(configurations) - len(every)} configurations that do not rank are not compared."
    if len(every) > MOST + 1:
        yield f"Of {len(every)} configurations the best is compared with the next {MOST} in pairs."
    if len(every) > MOST_RANKED:
        yield f"Of {len(every)} configurations the best {MOST_RANKED} are ranked."


def _pair(best: Configuration, other: Configuration, wishes: Wishes, told: list[str]) -> DataTable | None:
    names = f"{other.label} minus {best.label}"
    try:
        pairs = record_pairs(*(Side(Path(one.label), tuple(one.runs)) for one in (best, other)))
        if reasons := list(dict.fromkeys(reason for pair in pairs for reason in unlike(*pair))):
            told.append(f"{names}: not comparable, as {'; '.join(reasons)}.")
            return None
        facts = paired(pairs, wishes.select, wishes.shown, wishes.level)
    except DferbenchError as error:
        told.append(f"{names}: no paired test, as {error}.")
        return None
    heads = ("", "difference", f"{wishes.level:g} % low", "high", "smallest shown", "p")
    caption = f"{names}, paired on {facts['videos']} videos, in percent. {facts['covers']}"
    return DataTable(caption, heads, tuple(_lines(facts, wishes)))


def _lines(facts: Mapping[str, Any], wishes: Wishes) -> Iterator[tuple[TableCell, ...]]:
    for metric in wishes.shown.metrics:
        if found := facts["metrics"][metric.name]:
            yield _line(metric.title, found)
    for one in facts["classes"]:
        yield _line(f"recall of {one['class']}", one)


def _line(name: str, found: Mapping[str, Any]) -> tuple[TableCell, ...]:
    numbers = (found["effect"], found["low"], found["high"])
    signed = [counted(value, "{:+.2f}") for value in numbers]
    return (said(name), *signed, counted(found["smallest"], "{:.2f}"), counted(found["p"], "{:.3g}"))


def _ranked(dataset: str, chosen: Sequence[Configuration], wishes: Wishes, told: list[str]) -> Ranked | None:
    """The ranks of at least three configurations over the folds."""
    if len(chosen) < 3:
        return None
    rows: dict[str, dict[str, Sequence[Record]]] = {one.label: {dataset: one.runs} for one in chosen}
    try:
        found = rank(rows, wishes.shown.by, wishes.select, wishes.level, "nemenyi")
    except DferbenchError as error:
        told.append(f"No ranks: {error}.")
        return None
    told.extend(notes(found))
    return found
