"""Pictures of one configuration: learning curves, the confusion matrix."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dferbench.cli.arguments import Selection
from dferbench.cli.plot.chosen import chosen
from dferbench.cli.plot.options import Dark, Datasets, File, Methods, Picture, Runs, Width


def curves(
    context: typer.Context,
    runs: Runs,
    output: File,
    method: Methods = None,
    dataset: Datasets = None,
    width: Width = "column",
    dark: Dark = False,
) -> None:
    """Losses, UAR and WAR, and learning rates over the epochs: a thin line a run, a thick one their mean.

    Of several configurations the one with the highest UAR is drawn.
    """
    from dferbench.experiment.record import with_curve
    from dferbench.figures import curves as figure

    picture = Picture(output, width, dark)
    found = chosen(runs, context.obj, method, dataset, most=1)
    read = [with_curve(one, Path(one.folder)) for one in found.records]
    picture.write(figure.draw(read, picture.style, notes=found.notes))


def confusion(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    runs: Runs,
    output: File,
    normalize: Annotated[bool, typer.Option("--normalize", help="Percentages without counts.")] = False,
    select: Selection = "last",
    method: Methods = None,
    dataset: Datasets = None,
    width: Width = "column",
    dark: Dark = False,
) -> None:
    """The confusion matrix over all folds and seeds: counts, and percentages of each true class.

    Of several configurations the one with the highest UAR is drawn.
    """
    from dferbench.figures import confusion as figure

    picture = Picture(output, width, dark)
    found = chosen(runs, context.obj, method, dataset, select, most=1)
    drawn = figure.draw(found.records, picture.style, normalize=normalize, select=select, notes=found.notes)
    picture.write(drawn)
