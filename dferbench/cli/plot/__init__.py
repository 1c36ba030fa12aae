"""`dferbench plot`: pictures of results as files, for papers and pages. One kind a command."""

from __future__ import annotations

import typer

from dferbench.cli.plot import of_many, of_one, of_predictions

app = typer.Typer(no_args_is_help=True, help="Draw results into an SVG, PNG or PDF file.")
app.command("curves")(of_one.curves)
app.command("confusion")(of_one.confusion)
app.command("classes")(of_many.classes)
app.command("scatter")(of_many.scatter)
app.command("cost")(of_many.cost)
app.command("ranks")(of_many.ranks)
app.command("reliability")(of_predictions.reliability)
app.command("slices")(of_predictions.slices)
