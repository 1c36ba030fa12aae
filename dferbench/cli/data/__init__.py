"""`dferbench data`: what datasets there are, and getting them ready. One verb a file."""

from __future__ import annotations

import typer

from dferbench.cli.data import sheet

app = typer.Typer(no_args_is_help=True, help="Look at datasets, check them and get them ready.")
app.command("sheet")(sheet.sheet)
