"""`dferbench data`: what datasets there are, and getting them ready. One verb a file."""

from __future__ import annotations

import typer

from dferbench.cli.data import faces, info, join, leaks, link, ls, make, pack, sheet, verify

app = typer.Typer(no_args_is_help=True, help="Inspect, check and prepare datasets.")
app.command("ls")(ls.ls)
app.command("info")(info.info)
app.command("link")(link.link)
app.command("verify")(verify.verify)
app.command("leaks")(leaks.leaks)
app.command("join")(join.join)
app.command("make")(make.make)
app.command("faces")(faces.faces)
app.command("pack")(pack.pack)
app.command("sheet")(sheet.sheet)
