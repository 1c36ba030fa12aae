"""Rows as text tables, with what a reader must know below them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dferbench.experiment.metrics import Columns, Metric
from dferbench.experiment.selection import LAST
from dferbench.report import bounds
from dferbench.report.by_rule import LAST_EPOCH, MEANING
from dferbench.report.caveats import meaning, symbol
from dferbench.report.leaderboard import DEFAULT, Row
from dferbench.report.markup import markup
from dferbench.report.verified import SAYS

Words = Mapping[str, str] | None
"""A column on request: a word for each method."""


@dataclass(frozen=True)
class Extra:
    """What is shown on request: a word for each method, and the folders of the runs."""

    fidelity: Words = None
    folders: bool = False
    optimism: bool = False

    @property
    def heads(self) -> list[str]:
        """Of the column next to the method."""
        return [] if self.fidelity is None else ["fidelity"]


def leaderboard(
    rows: Sequence[Row],
    select: str,
    style: str = "simple",
    fidelity: Words = None,
    shown: Columns = DEFAULT,
    *,
    folders: bool = False,
    optimism: bool = False,
) -> str:
    """All rows as one table a dataset, caveats explained below, in one of the formats of `markup`."""
    form = markup(style)
    extra, notes = Extra(fidelity, folders, optimism), list(dict.fromkeys(_footnotes(rows, shown)))
    blocks = []
    for dataset in dict.fromkeys(row.dataset for row in rows):
        mine = [row for row in rows if row.dataset == dataset]
        blocks.append(form.heading(f"{dataset}, test results in percent, selection: {select}"))
        about = [list(_verified(row, rows)) for row in mine]
        lines = _lines(mine, about, extra, shown, notes)
        blocks.append(form.table(lines, _heads(extra, shown, mine), 2))
    caveats = sorted({caveat for row in rows for caveat in row.caveats})
    blocks += [form.notes([f"{symbol(caveat)} {meaning(caveat)}" for caveat in caveats])] if caveats else []
    numbered = (f"[{i}] {note}" for i, note in enumerate(notes, 1))
    below = [*_missing(rows, shown), *_common(rows), *_without(rows), *numbered]
    below += [*([MEANING] if optimism else []), *([LAST_EPOCH] if select != LAST else [])]
    return "\n\n".join([*blocks, *([form.notes(below)] if below else [])])


def _missing(rows: Sequence[Row], shown: Columns) -> Iterator[str]:
    """Why a number is not there."""
    for one in shown.metrics:
        if any(row.scores[one.name] is None for row in rows):
            why = " (it needs top-2 hits, which old records lack)" if one.needs != "confusion" else ""
            yield f"-: {one.title} is not defined for what at least one of the runs counted{why}"


def _without(rows: Sequence[Row]) -> Iterator[str]:
    """What the columns without listed videos are, and why one is empty."""
    asked = [row.without for row in rows if row.without is not None]
    if asked:
        yield "without: of the same runs, on the test videos that --without does not list"
    if any(None in scores.values() for scores in asked):
        yield "- without: the predictions of that epoch are not there, or give another result"


def _footnotes(rows: Sequence[Row], shown: Columns) -> Iterator[str]:
    """What must be known of single numbers, which point to it."""
    for row in rows:
        if any(one.over_classes for one in shown.metrics):
            yield from _untested(row)
        yield from _below_last(row, shown)
        yield from (note for one in shown.metrics for note in _interval_notes(row, one))
    for row in rows:
        yield from _verified(row, rows)


def _levels(rows: Sequence[Row]) -> set[str]:
    return {row.verified for row in rows if row.verified is not None}


def _common(rows: Sequence[Row]) -> Iterator[str]:
    """How deep all rows were verified, if that is one answer."""
    levels = _levels(rows)
    if len(levels) == 1:
        yield f"all rows: {SAYS[levels.pop()]}"


def _verified(row: Row, rows: Sequence[Row]) -> Iterator[str]:
    """How deep this one was, if others were not as deep, or deeper."""
    if row.verified is not None and len(_levels(rows)) > 1:
        yield SAYS[row.verified]


def _untested(row: Row) -> Iterator[str]:
    if row.untested:
        names = ", ".join(row.untested)
        yield f"{row.method} on {row.dataset}: no test video of {names}, left out of means over classes"


def _below_last(row: Row, shown: Columns) -> Iterator[str]:
    if names := " and ".join(one.title for one in shown.metrics if one.name in row.below_last):
        yield f"the epoch is chosen by WAR alone, so {names} may be worse there than at the last epoch"


def _interval_notes(row: Row, one: Metric) -> Iterator[str]:
    if found := row.intervals.get(one.name):
        yield bounds.about(found)


def _heads(extra: Extra, shown: Columns, rows: Sequence[Row]) -> list[str]:
    without = [f"{head} without" for head in shown.heads if rows[0].without is not None]
    heads = ["#", "method", *extra.heads, "setting", "folds", "seeds", *shown.heads, *without, "best on test"]
    heads += ["optimism"] if extra.optimism else []
    return [*heads, "folders"] if extra.folders else heads


def _lines(
    rows: Sequence[Row],
    about: Sequence[Iterable[str]],
    extra: Extra,
    shown: Columns,
    notes: Sequence[str],
) -> list[list[object]]:
    """`about` has notes on each row as a whole."""
    places = iter(range(1, len(rows) + 1))
    return [
        [next(places) if row.ranks else "-", *_cells(row, extra, shown, notes, _pointers(mine, notes))]
        for row, mine in zip(rows, about, strict=True)
    ]


def _cells(row: Row, extra: Extra, shown: Columns, notes: Sequence[str], mark: str) -> list[str]:
    caveats = "".join(symbol(caveat) for caveat in row.caveats)
    best = " / ".join(one.text(row.best_on_test[one.name]) for one in shown.metrics)
    return [
        f"{row.method}{' ' if caveats else ''}{caveats}{mark}",
        *([] if extra.fidelity is None else [extra.fidelity.get(row.method, "")]),
        row.setting,
        _folds(row),
        ",".join(map(str, row.seeds)),
        *(_score(row, one, notes) for one in shown.metrics),
        *(str(row.without[one.name] or "-") for one in shown.metrics if row.without is not None),
        best + _pointers(_below_last(row, shown), notes),
        *([_optimism(row, shown)] if extra.optimism else []),
        *(["\n".join(row.folders)] if extra.folders else []),
    ]


def _optimism(row: Row, shown: Columns) -> str:
    found = [row.optimism.get(one.name) for one in shown.metrics]
    return " / ".join("-" if value is None else f"{value:+.2f}" for value in found) if row.optimism else "-"


def _folds(row: Row) -> str:
    """The folds that were run, and of how many if not all were."""
    names = ",".join(map(str, row.folds))
    return f"{names} of {row.folds_of}" if row.folds_of and len(row.folds) < row.folds_of else names


def _score(row: Row, one: Metric, notes: Sequence[str]) -> str:
    found = str(row.scores[one.name] or "-") + bounds.said(row.intervals.get(one.name))
    mine = [*(_untested(row) if one.over_classes else ()), *_interval_notes(row, one)]
    return found + _pointers(mine, notes)


def _pointers(mine: Iterable[str], notes: Sequence[str]) -> str:
    return "".join(f" [{notes.index(note) + 1}]" for note in mine)
