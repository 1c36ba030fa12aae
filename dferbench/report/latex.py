"""A table as LaTeX for a paper: booktabs, best bold and second underlined."""

from __future__ import annotations

import re
from itertools import groupby

from dferbench.report.escapes import escape_latex as escape
from dferbench.report.plain import title
from dferbench.report.table import Block, Cells, Line, Number, Sheet

RANKED = {0: "{}", 1: r"\textbf{{{}}}", 2: r"\underline{{{}}}"}


def latex(sheet: Sheet) -> str:
    """A table environment that needs \\usepackage{booktabs} and nothing else."""
    width = 1 + len(sheet.extra_columns) + sum(len(block.columns) for block in sheet.blocks)
    body = [_group(name, list(lines), width, sheet) for name, lines in groupby(sheet.lines, _group_of)]
    label = re.sub(r"[^A-Za-z0-9]+", "-", sheet.suite.name)
    return "\n".join(
        [
            r"% needs \usepackage{booktabs}",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escape(title(sheet))}}}",
            rf"\label{{tab:{label}}}",
            rf"\begin{{tabular}}{{l{'r' * (width - 1)}}}",
            r"\toprule",
            *_heads(sheet),
            r"\midrule",
            "\n\\midrule\n".join(body),
            r"\bottomrule",
            r"\end{tabular}",
            *_notes(sheet.notes),
            r"\end{table}",
        ]
    )


def _raised(caveats: tuple[str, ...]) -> str:
    return rf"$^{{\mathrm{{{','.join(caveats)}}}}}$" if caveats else ""


def _heads(sheet: Sheet) -> list[str]:
    blocks, first = sheet.blocks, 2 + len(sheet.extra_columns)
    by_dataset = [list(mine) for _, mine in groupby(blocks, lambda block: block.dataset)]
    sizes = [(mine[0].name, sum(len(b.columns) for b in mine)) for mine in by_dataset]
    tops = [rf"\multicolumn{{{size}}}{{c}}{{{escape(name)}}}" for name, size in sizes]
    kinds = [
        rf"\multicolumn{{{len(b.columns)}}}{{c}}{{{escape(b.kind)}{_raised(b.caveats)}}}" for b in blocks
    ]
    metrics = [escape(name) for block in blocks for name in block.columns]
    rules = [_rules([size for _, size in sizes], first), _rules([len(b.columns) for b in blocks], first)]
    blank = [""] * (first - 1)
    extra = [escape(one.name) + _raised(one.caveats) for one in sheet.extra_columns]
    heads = _line(["", *extra, *metrics])
    return [_line([*blank, *tops]), rules[0], _line([*blank, *kinds]), rules[1], heads]


def _rules(sizes: list[int], first: int) -> str:
    """A short rule under each head; `first` is the number of the first column that has one."""
    starts = [first + sum(sizes[:i]) for i in range(len(sizes))]
    return " ".join(
        rf"\cmidrule(lr){{{start}-{start + size - 1}}}" for start, size in zip(starts, sizes, strict=True)
    )


def _group_of(line: Line) -> str:
    return line.row.group


def _group(name: str, lines: list[Line], width: int, sheet: Sheet) -> str:
    head = [rf"\multicolumn{{{width}}}{{l}}{{\emph{{{escape(name)}}}}} \\"] if name else []
    return "\n".join([*head, *(_row(line, sheet) for line in lines)])


def _row(line: Line, sheet: Sheet) -> str:
    blocks = zip(sheet.blocks, line.cells, strict=True)
    cells = [cell for block, mine in blocks for cell in _cells(block, mine)]
    extra = map(escape, sheet.texts(line))
    return _line([escape(line.row.label) + _raised(line.caveats), *extra, *cells])


def _cells(block: Block, cells: Cells | None) -> list[str]:
    return [
        "" if cell is None else _number(cell, cells) if isinstance(cell, Number) else str(cell)
        for cell in block.cells(cells)
    ]


def _number(number: Number, cells: Cells | None) -> str:
    return RANKED[number.rank].format(escape(str(number))) + _raised(cells.caveats if cells else ())


def _line(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def _notes(notes: tuple[tuple[str, str], ...]) -> list[str]:
    if not notes:
        return []
    lines = [rf"{_raised((letter,))} {escape(text)}\par" for letter, text in notes]
    return [r"\par\medskip", r"\begin{minipage}{\linewidth}\footnotesize", *lines, r"\end{minipage}"]
