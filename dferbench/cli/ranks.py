"""`dferbench ranks`: the rows of a suite ranked over test sets, and which differ by more than luck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dferbench.cli.arguments import LevelOrDefault, Selection, SuiteName
from dferbench.cli.complete import dataset_names
from dferbench.cli.requests import request_of
from dferbench.errors import DferbenchError, UnknownName
from dferbench.files import json_text

if TYPE_CHECKING:
    from dferbench.experiment.plan import Request
    from dferbench.experiment.record import Record
    from dferbench.experiment.suite import Suite
    from dferbench.registry.catalog import Catalog

    Rows = dict[str, dict[str, list[Record]]]
    """Per label and dataset, the records of a row."""


def ranks(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    file: SuiteName,
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            "--dataset", "-d", help="One or more; else those that were run.", autocompletion=dataset_names
        ),
    ] = None,
    runs: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs"),
    select: Selection = "last",
    by: Annotated[str, typer.Option("--by", help="The metric that ranks.")] = "uar",
    test: Annotated[
        str, typer.Option(help="How pairs are tested: nemenyi, or wilcoxon with Holm's correction.")
    ] = "nemenyi",
    interval: LevelOrDefault = 95.0,
    diagram: Annotated[
        Path | None,
        typer.Option(help="Draw the critical-difference diagram into this .svg, .png or .pdf."),
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="As given to bench.")] = None,
    epochs: Annotated[int | None, typer.Option(min=0, help="As given to bench.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="As given to bench.")] = None,
    weights: Annotated[list[str] | None, typer.Option(help="As given to bench.")] = None,
    validation: Annotated[float | None, typer.Option(help="As given to bench.")] = None,
    patience: Annotated[int | None, typer.Option(help="As given to bench.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Rank the rows of a suite over the folds of datasets: Friedman's test of all, then of every pair."""
    asked = locals()
    from dferbench.experiment import selection
    from dferbench.experiment.metrics import find, registered
    from dferbench.experiment.suite import read_suite, suite_file
    from dferbench.report.by_rule import answering
    from dferbench.report.leaderboard import load
    from dferbench.report.ranks import as_data, as_text, rank
    from dferbench.statistics.ranks import TESTS

    selection.require(select)
    if test not in TESTS:
        raise UnknownName("test", test, TESTS)
    if diagram is not None:
        from dferbench.figures.save import require_form

        require_form(diagram)
    known = registered(context.obj)
    metric, suite = find(by, known), read_suite(suite_file(file, context.obj), known)
    done, problems = load(runs, known)
    records, without = answering(done, select)
    for problem in (*problems, *without):
        typer.echo(problem, err=True)
    base = request_of(asked, dataset="")
    bases = [replace(base, dataset=name) for name in dataset or _datasets(records, context.obj)]
    table = _rows(suite, bases, epochs, records, context.obj)
    found = rank(table, metric, select, interval, test)
    if diagram is not None:
        from dferbench.figures import ranks as figure
        from dferbench.figures.save import save
        from dferbench.figures.style import DOUBLE

        ranked = [one for row in table.values() for group in row.values() for one in group]
        save(figure.draw(found, DOUBLE, ranked), diagram)
    typer.echo(json_text(as_data(found)) if json_ else as_text(found))


def _datasets(records: Sequence[Record], catalog: Catalog) -> list[str]:
    """Those of the records that are still known, as a user would write them."""
    from dferbench.registry.datasets import make_dataset, written

    known = []
    for name in sorted({written(one.dataset, one.dataset_given) for one in records}):
        try:
            make_dataset(name, catalog)
            known.append(name)
        except DferbenchError as error:
            typer.echo(f"runs on {name} are left out: {error}", err=True)
    return known


def _rows(
    suite: Suite, bases: Sequence[Request], epochs: int | None, records: Sequence[Record], catalog: Catalog
) -> Rows:
    """The records of every row, labels told apart by their numbers where two are alike."""
    from dferbench.experiment.rows import experiments

    labels = [row.label for row in suite.rows]
    names = {
        row.number: f"{row.label} ({row.number})" if labels.count(row.label) > 1 else row.label
        for row in suite.rows
    }
    found: Rows = {name: {} for name in names.values()}
    for base in bases:
        for one in experiments(suite, base, epochs, catalog)[0]:
            mine = [record for record in records if record.config_id == one.settled.config_id]
            if mine:
                found[names[one.row.number]][base.dataset] = mine
    return found
