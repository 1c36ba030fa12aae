"""Pictures that compare configurations: recalls of classes, folds and seeds, costs, ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from dferbench.cli.arguments import LevelOrDefault, Selection
from dferbench.cli.plot.chosen import chosen
from dferbench.cli.plot.options import Dark, Datasets, File, Methods, Picture, Runs, Width

if TYPE_CHECKING:
    from dferbench.experiment.record import Record

MOST = 6
"""Configurations whose recalls can be told apart in one picture."""
MOST_ROWS = 24
"""Configurations for which a page has room."""


def classes(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    runs: Runs,
    output: File,
    select: Selection = "last",
    interval: LevelOrDefault = 95.0,
    method: Methods = None,
    dataset: Datasets = None,
    width: Width = "column",
    dark: Dark = False,
) -> None:
    """The recall of each class with its interval, of up to six configurations on one dataset."""
    from dferbench.figures import classes as figure

    picture = Picture(output, width, dark)
    found = chosen(runs, context.obj, method, dataset, select, MOST, one_dataset=True)
    drawn = figure.draw(found.groups, picture.style, select=select, level=interval, notes=found.notes)
    picture.write(drawn)


def scatter(
    context: typer.Context,
    runs: Runs,
    output: File,
    select: Selection = "last",
    method: Methods = None,
    dataset: Datasets = None,
    width: Width = "column",
    dark: Dark = False,
) -> None:
    """The UAR of every fold and seed, a row a configuration."""
    from dferbench.figures import scatter as figure

    picture = Picture(output, width, dark)
    found = chosen(runs, context.obj, method, dataset, select, MOST_ROWS, one_dataset=True)
    picture.write(figure.draw(found.groups, picture.style, select=select, notes=found.notes))


def cost(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    runs: Runs,
    output: File,
    by: Annotated[
        str, typer.Option("--by", help="The cost: parameters, trained (of these), macs, or seconds.")
    ] = "parameters",
    select: Selection = "last",
    interval: LevelOrDefault = 95.0,
    method: Methods = None,
    dataset: Datasets = None,
    width: Width = "column",
    dark: Dark = False,
) -> None:
    """The UAR of each configuration over what it costs.

    MACs are those that packages keep for default options, seconds those of the runs' own machines.
    """
    from dferbench.figures import cost as figure
    from dferbench.report import spent

    picture = Picture(output, width, dark)
    spent.find(by)
    found = chosen(runs, context.obj, method, dataset, select, MOST_ROWS, one_dataset=True)
    how = picture.style
    drawn = figure.draw(found.groups, how, by, select=select, level=interval, notes=found.notes)
    picture.write(drawn)


def ranks(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    runs: Runs,
    output: File,
    by: Annotated[str, typer.Option("--by", help="The metric that ranks.")] = "uar",
    test: Annotated[
        str, typer.Option(help="How pairs are tested: nemenyi, or wilcoxon with Holm's correction.")
    ] = "nemenyi",
    select: Selection = "last",
    interval: LevelOrDefault = 95.0,
    method: Methods = None,
    dataset: Datasets = None,
    width: Width = "column",
    dark: Dark = False,
) -> None:
    """The critical-difference diagram of configurations over the folds of their datasets."""
    from dferbench.errors import UnknownName
    from dferbench.experiment.metrics import find, registered
    from dferbench.figures import ranks as figure
    from dferbench.report.ranks import rank
    from dferbench.statistics.ranks import TESTS

    picture = Picture(output, width, dark)
    if test not in TESTS:
        raise UnknownName("test", test, TESTS)
    metric = find(by, registered(context.obj))
    found = chosen(runs, context.obj, method, dataset, select, MOST_ROWS)
    ranked = rank(_rows(found.records), metric, select, interval, test)
    picture.write(figure.draw(ranked, picture.style, found.records, notes=found.notes))


def _rows(records: Sequence[Record]) -> Mapping[str, Mapping[str, Sequence[Record]]]:
    """Per label and dataset the runs: what is called alike on several datasets is one row."""
    from dferbench.report.configurations import configurations

    rows: dict[str, dict[str, list[Record]]] = {}
    for dataset in sorted({one.dataset for one in records}):
        for label, group in configurations(one for one in records if one.dataset == dataset).items():
            rows.setdefault(label, {})[dataset] = group
    return rows
