"""Rows as text tables, with what a reader must know below them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dferbench.experiment.metrics import Columns
from dferbench.report.aligned import aligned
from dferbench.report.leaderboard import DEFAULT, Row

MEANING = {
    "synthetic": "faces drawn by a program: says nothing about real faces",
    "limited": "only part of the videos was used (--limit): a trial",
    "random weights": "a backbone started from random weights",
    "incomplete": "videos that could not be read were left out",
    "uncommitted code": "the code differed from its last commit",
    "own split": "the videos were divided into train and test by the user's own lists",
    "partial data": "the copy lacks videos of the official protocol",
    "shuffled frames": "the frames of test videos were shuffled, to measure what their order is worth",
    "another input": "the model was tested with another input than its authors' (--set input.*)",
    "unknown training data": "the checkpoint may have been trained on the test videos (import --trained-on)",
    "re-encoded": "frames were compressed again when the videos were packed or cropped",
}


def meaning(caveat: str) -> str:
    """A caveat and what it means, in one line; caveats that a dataset invents explain themselves."""
    return f"{caveat}: {MEANING.get(caveat, 'stated by the dataset')}"


Words = Mapping[str, str] | None
"""A column on request: a word for each method."""


def leaderboard(
    rows: Sequence[Row],
    select: str,
    style: str = "simple",
    fidelity: Words = None,
    shown: Columns = DEFAULT,
) -> str:
    """All rows as one table a dataset, caveats explained below. `style` is a table format of tabulate."""
    blocks = []
    for dataset in dict.fromkeys(row.dataset for row in rows):
        mine = [row for row in rows if row.dataset == dataset]
        blocks.append(
            f"{dataset}, test results in percent, selection: {select}\n\n"
            f"{_table(mine, style, fidelity, shown)}"
        )
    caveats = sorted({caveat for row in rows for caveat in row.caveats})
    blocks += ["\n".join(f"{_symbol(caveat)} {meaning(caveat)}" for caveat in caveats)] if caveats else []
    blocks += ["\n".join(notes)] if (notes := list(_notes(rows, shown))) else []
    return "\n\n".join(blocks)


def _notes(rows: Sequence[Row], shown: Columns) -> Iterator[str]:
    """Why a number is missing, and what means over classes leave out."""
    for one in shown.metrics:
        if any(row.scores[one.name] is None for row in rows):
            why = " (it needs top-2 hits, which old records lack)" if one.needs != "confusion" else ""
            yield f"-: {one.title} is not defined for what at least one of the runs counted{why}"
    for row in rows:
        if row.untested:
            names = ", ".join(row.untested)
            yield f"{row.method} on {row.dataset}: no test video of {names}, left out of means over classes"


def _table(rows: Sequence[Row], style: str, fidelity: Words, shown: Columns) -> str:
    extra = [] if fidelity is None else ["fidelity"]
    heads = ["#", "method", *extra, "setting", "folds", "seeds", *shown.heads, "best on test"]
    places = iter(range(1, len(rows) + 1))
    lines = [[next(places) if row.ranks else "-", *_cells(row, fidelity, shown)] for row in rows]
    return aligned(lines, heads, style)


def _cells(row: Row, fidelity: Words, shown: Columns) -> list[str]:
    caveats = "".join(_symbol(caveat) for caveat in row.caveats)
    return [
        f"{row.method}{' ' if caveats else ''}{caveats}",
        *([] if fidelity is None else [fidelity.get(row.method, "")]),
        row.setting,
        ",".join(map(str, row.folds)),
        ",".join(map(str, row.seeds)),
        *(str(row.scores[one.name] or "-") for one in shown.metrics),
        " / ".join(one.text(row.best_on_test[one.name]) for one in shown.metrics),
    ]


def _symbol(caveat: str) -> str:
    return dict(zip(MEANING, "*†‡§¶#°~¤¿^", strict=True)).get(caveat, "?")
