"""`dferbench table`: a suite's published numbers next to the measured ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dferbench import collector
from dferbench.cli.arguments import Level, MetricNames, Optimism, RankedBy, SuiteName, Without
from dferbench.cli.complete import dataset_names
from dferbench.cli.requests import request_of
from dferbench.errors import DferbenchError, UnknownName

if TYPE_CHECKING:
    from dferbench.experiment.metrics import Columns, Metrics
    from dferbench.experiment.plan import Request
    from dferbench.experiment.record import Record
    from dferbench.experiment.suite import Row, Suite
    from dferbench.registry.catalog import Catalog
    from dferbench.report.extra_columns import Column
    from dferbench.report.table import Beside, Key, Sheet

RUNS = Path("runs")


@collector.paused(keep=True)
def table(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    file: SuiteName,
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            "--dataset",
            "-d",
            help="One or more; else those that are published or were run.",
            autocompletion=dataset_names,
        ),
    ] = None,
    runs: Annotated[Path, typer.Option(help="Folder of the runs.")] = RUNS,
    select: Annotated[
        str, typer.Option(help="Which epoch counts: last, best-on-test, val, val:METRIC, or all of these.")
    ] = "last",
    format_: Annotated[
        str, typer.Option("--format", help="text, markdown, latex, csv, json or html.")
    ] = "text",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file instead of the terminal.")
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="As given to bench.")] = None,
    epochs: Annotated[int | None, typer.Option(min=0, help="As given to bench.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="As given to bench.")] = None,
    weights: Annotated[list[str] | None, typer.Option(help="As given to bench.")] = None,
    validation: Annotated[float | None, typer.Option(help="As given to bench.")] = None,
    patience: Annotated[int | None, typer.Option(help="As given to bench.")] = None,
    optimism: Optimism = False,
    cost: Annotated[
        str,
        typer.Option(
            help="Show what rows cost: auto (as counted for the plugins; rows of default options), "
            "or a FILE that dferbench profile --json wrote."
        ),
    ] = "",
    fidelity: Annotated[
        bool, typer.Option("--fidelity", help="Show how close each method is to its source.")
    ] = False,
    metrics: MetricNames = "uar,war",
    by: RankedBy = "",
    interval: Level = None,
    without: Without = None,
) -> None:
    """Print a suite's table: published numbers, and mean and standard deviation over the runs of each row.

    Runs with another recipe, limit or weights are other experiments: repeat the options they were made with.
    """
    asked = locals()
    from dferbench.experiment.metrics import columns, registered
    from dferbench.experiment.suite import read_suite, suite_file
    from dferbench.report.extra_columns import with_columns
    from dferbench.report.markup import OWN
    from dferbench.report.table import Beside
    from dferbench.verification.verdict import read_verdicts

    if format_ not in OWN:
        raise UnknownName("format", format_, OWN)
    known = registered(context.obj)
    shown = columns(metrics, by, known)
    suite = read_suite(suite_file(file, context.obj), known)
    base = request_of(asked, dataset="", output=RUNS)
    records = _load(runs, known, shown)
    rules = _rules(select, records, optimism=optimism)
    records = _answering(records, select)
    names = dataset or _datasets(suite, records, context.obj)
    bases = [(replace(base, dataset=name), epochs) for name in names]
    extra = [*_fidelity(suite, context.obj, fidelity), *_costs(suite, context.obj, cost)]
    beside = Beside(interval, read_verdicts(), _reduced(records, rules, without))
    sheet = _sheet(suite, bases, records, context.obj, rules, shown, asked=bool(dataset), beside=beside)
    _print(with_columns(sheet, extra), format_, output)


def _reduced(
    records: Sequence[Record], rules: Sequence[str], without: Path | None
) -> dict[str, list[Record]]:
    """Per rule the runs without the listed test videos, if some are to be left out."""
    if without is None:
        return {}
    from dferbench.data.leaks.file import read_listed
    from dferbench.report.by_rule import OPTIMISM
    from dferbench.report.without import reduced

    found, listed = {}, read_listed(without)
    for rule in (one for one in rules if one != OPTIMISM):
        found[rule], lost = reduced(records, rule, listed)
        if lost:
            typer.echo(f"{rule}: {lost} runs lack the predictions to be counted without them", err=True)
    return found


def _fidelity(suite: Suite, catalog: Catalog, wanted: bool) -> list[Column]:
    from dferbench.cards import word
    from dferbench.report.extra_columns import fidelity_column

    methods = catalog.entries["methods"]
    words = {name: word(str(entry.value.card.get("fidelity", ""))) for name, entry in methods.items()}
    return [fidelity_column(suite.rows, words)] if wanted else []


def _costs(suite: Suite, catalog: Catalog, cost: str) -> list[Column]:
    from dferbench.report.extra_columns import cost_columns
    from dferbench.report.profiles import read_profiles

    if not cost:
        return []
    profiles, about = _kept(suite, catalog) if cost == "auto" else read_profiles(Path(cost))
    return cost_columns([(row.method, _beyond(row, catalog)) for row in suite.rows], profiles, about)


def _beyond(row: Row, catalog: Catalog) -> dict[str, str]:
    """What a row asks for that is not its method's default. Raises UnknownName for what no method has."""
    from dferbench.registry.options import resolve, split_recipe

    if row.method not in catalog.entries["methods"]:
        return dict(row.sets)
    method = catalog.get("methods", row.method).value
    defaults, resolved = resolve(method, {}), resolve(method, split_recipe(row.sets)[0])
    return {k: v for k, v in row.sets.items() if k not in defaults or resolved[k] != defaults[k]}


def _kept(suite: Suite, catalog: Catalog) -> tuple[list[dict[str, Any]], str]:
    """The costs that the plugins keep of the suite's methods, as profiles of default options."""
    from dferbench.profiling import costs

    methods = catalog.entries["methods"]
    names = dict.fromkeys(row.method for row in suite.rows if row.method in methods)
    found = {name: costs.kept(methods[name].origin, name) for name in names}
    profiles = [{"method": name, "given": {}, **asdict(one)} for name, one in found.items() if one]
    about = f"costs of rows with default options, at the method's own input, for {costs.CLASSES} classes"
    return profiles, about


def print_table(
    suite: Suite, base: Request, epochs: int | None, runs: Path, catalog: Catalog, shown: Columns
) -> None:
    """Print the table of one dataset as bench leaves it, from the records below a folder."""
    from dferbench.experiment.metrics import registered
    from dferbench.report.table import Beside
    from dferbench.verification.verdict import read_verdicts

    records = _load(runs, registered(catalog), shown) if runs.is_dir() else []
    beside, bases = Beside(verdicts=read_verdicts()), [(base, epochs)]
    sheet = _sheet(suite, bases, records, catalog, ("last",), shown, asked=True, beside=beside)
    _print(sheet, "text", None)


def _load(runs: Path, known: Metrics, shown: Columns) -> list[Record]:
    from dferbench.report.leaderboard import load
    from dferbench.verification.verdict import read_verdicts

    if runs == RUNS and not runs.exists():  # the published numbers need none
        return []
    records, problems = load(runs, known, shown, read_verdicts())
    for problem in problems:
        typer.echo(problem, err=True)
    return records


def _datasets(suite: Suite, records: Sequence[Record], catalog: Catalog) -> list[str]:
    """What is published, then whatever else was run and is still known, as a user would write it."""
    from dferbench.registry.datasets import make_dataset, written

    known = []
    for name in sorted({written(one.dataset, one.dataset_given) for one in records}):
        try:
            make_dataset(name, catalog)
            known.append(name)
        except DferbenchError as error:
            typer.echo(f"runs on {name} are left out: {error}", err=True)
    return list(dict.fromkeys([*suite.printed_datasets, *known]))


def _rules(select: str, records: Sequence[Record], *, optimism: bool) -> tuple[str, ...]:
    """The rules of a table's columns; "all" has that of validation where there is any."""
    from dferbench.experiment import selection
    from dferbench.report.by_rule import OPTIMISM

    if select == "all":
        held = any(one.validation for one in records)
        rules = tuple(rule for rule in selection.RULES if held or rule != selection.VAL)
    else:
        selection.require(select)
        rules = (select,)
    return (*rules, *([OPTIMISM] if optimism else []))


def _answering(records: list[Record], select: str) -> list[Record]:
    """The records with what the rule needs; of those that lack it, a line is told."""
    from dferbench.report.by_rule import answering

    if select == "all":
        return records
    found, told = answering(records, select)
    for line in told:
        typer.echo(line, err=True)
    return found


def _sheet(
    suite: Suite,
    bases: Sequence[tuple[Request, int | None]],
    records: list[Record],
    catalog: Catalog,
    rules: Sequence[str],
    shown: Columns,
    *,
    asked: bool,
    beside: Beside,
) -> Sheet:
    """`asked` shows the columns of a dataset even if they are empty."""
    from dferbench.report.elsewhere import left_out
    from dferbench.report.table import make_sheet

    keys = {base.dataset: _keys(suite, base, epochs, catalog) for base, epochs in bases}
    for line in left_out(records, keys):
        typer.echo(line, err=True)
    run = {one.config_id for one in records}
    if not asked:
        keys = {d: rows if any(k.config_id in run for k in rows.values()) else {} for d, rows in keys.items()}
        keys = {d: rows for d, rows in keys.items() if rows or d in suite.printed_datasets}
    return make_sheet(suite, records, keys, rules, _about(suite, catalog), shown, beside)


def _keys(suite: Suite, base: Request, epochs: int | None, catalog: Catalog) -> dict[int, Key]:
    """Per row; empty for a dataset that is published and that no plugin registers."""
    from dferbench.experiment.protocol import own_protocol
    from dferbench.experiment.rows import experiments
    from dferbench.report.table import Key

    if base.dataset in suite.printed_datasets and base.dataset not in catalog.entries["datasets"]:
        return {}
    found, _ = experiments(suite, base, epochs, catalog)
    return {
        one.row.number: Key(
            method=one.row.method,
            options=one.settled.options,
            dataset=one.settled.chosen.entry.name,
            config_id=one.settled.config_id,
            deviations=one.deviations,
            folds=tuple(one.settled.chosen.dataset.folds),
            own=own_protocol(one.settled, catalog) if one.row.printed else None,
        )
        for one in found
    }


def _about(suite: Suite, catalog: Catalog) -> dict[str, str]:
    """A remark on every method whose card states where it is not what its paper says."""
    methods = catalog.entries["methods"]
    known = {row.method for row in suite.rows if row.method in methods}
    stated = [name for name in known if methods[name].value.card.get("deviations")]
    return dict.fromkeys(stated, "the method differs from its paper in known ways: dferbench show METHOD")


def _print(sheet: Sheet, format_: str, output: Path | None) -> None:
    import sys

    from dferbench.files import write_atomic
    from dferbench.printable import printable
    from dferbench.report import html, latex, plain, terminal

    writers = {
        "text": plain.text,
        "markdown": plain.markdown,
        "latex": latex.latex,
        "csv": plain.comma_separated,
        "json": plain.as_json,
        "html": html.html,
    }
    if output is not None:
        # A file is shown somewhere in the end; inside JSON an escaped character is the same character.
        write_atomic(output, printable(writers[format_](sheet)).rstrip("\n") + "\n")
    elif format_ == "text" and sys.stdout.isatty():
        terminal.show(sheet)
    else:
        typer.echo(writers[format_](sheet))
