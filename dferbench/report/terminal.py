"""A table on a terminal: best bold, second underlined; what does not fit next to the labels stands below."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dferbench.report.drawn import assembled, console, text
from dferbench.report.plain import brackets, title
from dferbench.report.table import Block, Cells, Number, Sheet

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    Columns = list[tuple[str, list[Text]]]
    """Heads and cells of what is not to be parted: one column, or those of a dataset."""

STYLES = {0: "", 1: "bold", 2: "underline"}


def show(sheet: Sheet) -> None:
    """Print the table to stdout; rich knows what the terminal can do and whether colour is wanted.

    A number is never folded or cut. Columns that the terminal has no room for stand in further tables below;
    one that is too wide by itself wraps whole lines.
    """
    screen = console()
    screen.print(text(title(sheet)))
    for part in _parts(sheet, screen.width):
        table = _table(sheet, part)
        needed = _needed(table)
        console(width=max(screen.width, needed)).print(table, soft_wrap=needed > screen.width)
    for letter, note in sheet.notes:
        screen.print(text(f"[{letter}] {note}"))


def _parts(sheet: Sheet, width: int) -> Iterator[Columns]:
    """As many columns at a time as fit next to the labels into `width` characters."""
    part: Columns = []
    for columns in (*_beside(sheet), *_numbers(sheet)):
        if part and _needed(_table(sheet, part + columns)) > width:
            yield part
            part = []
        part = part + columns
    yield part


def _needed(table: Table) -> int:
    return console(width=10_000).measure(table).maximum


def _table(sheet: Sheet, columns: Columns) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("")
    for head, _ in columns:
        table.add_column(text(head), justify="right")
    group = ""
    for place, line in enumerate(sheet.lines):
        if line.row.group != group:
            group = line.row.group
            table.add_row(text(group, style="italic"))
        table.add_row(text(line.row.label + brackets(line.caveats)), *(cells[place] for _, cells in columns))
    return table


def _beside(sheet: Sheet) -> Iterator[Columns]:
    for one in sheet.extra_columns:
        yield [(f"{one.name}{brackets(one.caveats)}", [text(words) for words in one.texts])]


def _numbers(sheet: Sheet) -> Iterator[Columns]:
    for place, block in enumerate(sheet.blocks):
        rows = [list(_cells(block, line.cells[place])) for line in sheet.lines]
        heads = [f"{block.name}\n{block.kind}{brackets(block.caveats)}\n{name}" for name in block.columns]
        yield [(head, [row[number] for row in rows]) for number, head in enumerate(heads)]


def _cells(block: Block, cells: Cells | None) -> Iterable[Text]:
    caveats = brackets(cells.caveats if cells else ())
    for cell in block.cells(cells):
        if isinstance(cell, Number):
            yield assembled((str(cell), STYLES[cell.rank]), caveats)
        else:
            yield text("" if cell is None else str(cell))
