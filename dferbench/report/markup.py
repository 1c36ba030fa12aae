"""The forms in which a leaderboard is written: each escapes everything, in its tables and around them."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from dferbench.report.aligned import aligned, as_text
from dferbench.report.escapes import escape_latex, escape_markdown
from dferbench.report.fitted import fitted, folded

OWN = ("text", "markdown", "latex", "csv", "json", "html")
"""The formats of every table."""
SYMBOLS = {"※": r"\textreferencemark{}", "◊": r"$\diamond$", "‖": r"\textbardbl{}"}
"""Symbols of caveats that LaTeX does not know as they are."""

Lines = Sequence[Sequence[object]]


@dataclass(frozen=True)
class Markup:
    """How a heading, a table with so many columns of labels, and notes are written; texts come unescaped."""

    heading: Callable[[str], str]
    table: Callable[[Lines, Sequence[str], int], str]
    notes: Callable[[Sequence[str]], str]


def markup(style: str) -> Markup:
    """The markup of one of OWN, or of any table format of tabulate."""
    if style in ("text", "simple"):
        return Markup(folded, lambda lines, heads, labels: fitted(lines, heads, labels=labels), _text_notes)
    if style in ("html", "unsafehtml"):
        return Markup(_html_heading, partial(_escaped, "unsafehtml", _html_cell), _html_notes)
    if style.startswith("latex"):
        return Markup(_latex_heading, partial(_latex_table, style), _latex_notes)
    if style in ("markdown", "pipe", "github"):
        table = partial(_escaped, "pipe" if style == "markdown" else style, _markdown_cell)
        return Markup(
            escape_markdown, table, lambda notes: "\n".join(f"- {escape_markdown(n)}" for n in notes)
        )
    return Markup(str, partial(_escaped, style, _flat), "\n".join)


def _escaped(
    style: str, escape: Callable[[str], str], lines: Lines, heads: Sequence[str], _labels: int
) -> str:
    cells = [[escape(as_text(cell)) for cell in line] for line in lines]
    return aligned(cells, [escape(head) for head in heads], style)


def _flat(text: str) -> str:
    return " ".join(text.split("\n"))


def _text_notes(notes: Sequence[str]) -> str:
    return "\n".join(folded(note, "  ") for note in notes)


def _html_cell(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")


def _html_heading(text: str) -> str:
    return f"<h2>{html.escape(text)}</h2>"


def _html_notes(notes: Sequence[str]) -> str:
    return "\n".join(f"<p>{html.escape(note)}</p>" for note in notes)


def _markdown_cell(text: str) -> str:
    return escape_markdown(text).replace("\n", "<br>")


def _markdown_notes(notes: Sequence[str]) -> str:
    return "\n".join(f"- {escape_markdown(note)}" for note in notes)


def _latex_text(text: str) -> str:
    escaped = escape_latex(_flat(text))
    return "".join(SYMBOLS.get(character, character) for character in escaped)


def _latex_heading(text: str) -> str:
    return rf"\paragraph{{{_latex_text(text)}}}"


def _latex_notes(notes: Sequence[str]) -> str:
    return "\n".join(rf"{_latex_text(note)}\par" for note in notes)


def _latex_table(style: str, lines: Lines, heads: Sequence[str], labels: int) -> str:
    """With the rules of booktabs, unless the style has others."""
    text = _escaped("latex_raw", _latex_text, lines, heads, labels)
    if style in ("latex", "latex_booktabs"):
        for rule in ("toprule", "midrule", "bottomrule"):
            text = text.replace("\n\\hline", f"\n\\{rule}", 1)
        return f"% needs \\usepackage{{booktabs}}\n{text}"
    return text
