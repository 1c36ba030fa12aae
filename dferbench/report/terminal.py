"""A table on a terminal: best bold, second underlined."""

from __future__ import annotations

from dferbench.report.plain import brackets, title
from dferbench.report.table import Number, Sheet

STYLES = {0: "", 1: "bold", 2: "underline"}


def show(sheet: Sheet) -> None:
    """Print the table to stdout; rich knows what the terminal can do and whether colour is wanted."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title(sheet)), box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("")
    for one in sheet.beside:
        table.add_column(Text(f"{one.name}{brackets(one.marks)}"), justify="right")
    for block in sheet.blocks:
        for name in block.columns:
            head = Text(f"{block.name}\n{block.kind}{brackets(block.marks)}\n{name}")
            table.add_column(head, justify="right")
    group = ""
    for line in sheet.lines:
        if line.row.group != group:
            group = line.row.group
            table.add_row(Text(group, style="italic"))
        cells = [
            Text.assemble((str(cell.score), STYLES[cell.rank]), brackets(pair.marks if pair else ()))
            if isinstance(cell, Number)
            else Text("" if cell is None else str(cell))
            for block, pair in zip(sheet.blocks, line.pairs, strict=True)
            for cell in block.cells(pair)
        ]
        beside = map(Text, sheet.texts(line))
        table.add_row(Text(line.row.label + brackets(line.marks)), *beside, *cells)
    # A number must not be folded or cut; a narrow terminal wraps whole lines instead.
    needed = Console(width=10_000).measure(table).maximum
    console = Console()
    Console(width=max(console.width, needed)).print(table, soft_wrap=needed > console.width)
    for letter, note in sheet.notes:
        console.print(Text(f"[{letter}] {note}"))
