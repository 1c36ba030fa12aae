"""Rows as text tables, with what a reader must know below them. tabulate draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tabulate import tabulate

from dferbench.report.leaderboard import Row

MEANING = {
    "synthetic": "faces drawn by a program: says nothing about real faces",
    "limited": "only part of the videos was used (--limit): a trial",
    "random weights": "a backbone started from random weights",
    "incomplete": "videos that could not be read were left out",
    "uncommitted code": "the code differed from its last commit",
    "own split": "the videos were divided into train and test by the user's own lists",
    "partial data": "the copy lacks videos of the official protocol",
    "shuffled frames": "test videos showed their frames out of order, to see what order is worth",
    "another input": "the model was tested through another input than it was made for (--set input.*)",
    "re-encoded": "frames were compressed again when the videos were packed or cropped",
}


def meaning(caveat: str) -> str:
    """A caveat and what it means, in one line; caveats that a dataset invents explain themselves."""
    return f"{caveat}: {MEANING.get(caveat, 'stated by the dataset')}"


Words = Mapping[str, str] | None
"""A column on request: a word for each method."""


def leaderboard(rows: Sequence[Row], select: str, style: str = "simple", fidelity: Words = None) -> str:
    """All rows as one table a dataset, caveats explained below. `style` is a table format of tabulate."""
    blocks = []
    for dataset in dict.fromkeys(row.dataset for row in rows):
        mine = [row for row in rows if row.dataset == dataset]
        blocks.append(
            f"{dataset}, test results in percent, selection: {select}\n\n{_table(mine, style, fidelity)}"
        )
    caveats = sorted({caveat for row in rows for caveat in row.caveats})
    blocks += ["\n".join(f"{_symbol(caveat)} {meaning(caveat)}" for caveat in caveats)] if caveats else []
    return "\n\n".join(blocks)


def _table(rows: Sequence[Row], style: str, fidelity: Words) -> str:
    extra = [] if fidelity is None else ["fidelity"]
    heads = ["#", "method", *extra, "setting", "folds", "seeds", "UAR", "WAR", "best on test"]
    places = iter(range(1, len(rows) + 1))
    lines = [[next(places) if row.ranks else "-", *_cells(row, fidelity)] for row in rows]
    return str(tabulate(lines, heads, tablefmt=style, disable_numparse=True))


def _cells(row: Row, fidelity: Words) -> list[str]:
    caveats = "".join(_symbol(caveat) for caveat in row.caveats)
    return [
        f"{row.method}{' ' if caveats else ''}{caveats}",
        *([] if fidelity is None else [fidelity.get(row.method, "")]),
        row.setting,
        ",".join(map(str, row.folds)),
        ",".join(map(str, row.seeds)),
        str(row.uar),
        str(row.war),
        f"{row.best_on_test[0]:.2f} / {row.best_on_test[1]:.2f}",
    ]


def _symbol(caveat: str) -> str:
    return dict(zip(MEANING, "*†‡§¶#°~¤^", strict=True)).get(caveat, "?")
