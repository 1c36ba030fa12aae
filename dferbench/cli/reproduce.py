"""`dferbench reproduce`: run what a published number needs, and say whether it was reproduced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dferbench.cli.arguments import (
    Changed,
    DatasetName,
    Device,
    Devices,
    Jobs,
    LevelOrDefault,
    Limit,
    Output,
    Patience,
    Quiet,
    Root,
    SaveEvery,
    Seeds,
    SkipBad,
    Trackers,
    Validation,
    Workers,
)
from dferbench.cli.bench import Ran, Ways, run_missing
from dferbench.cli.requests import numbers, request_of
from dferbench.cli.runs import where
from dferbench.cli.standing import Status
from dferbench.cli.standing import as_text as plan_text
from dferbench.errors import ConfigError, UnknownName

if TYPE_CHECKING:
    from dferbench.experiment.metrics import Metrics
    from dferbench.experiment.rows import Experiment
    from dferbench.experiment.suite import Row, Suite
    from dferbench.registry.catalog import Catalog
    from dferbench.report.reproduction import Reproduction, Runs, Setting


def reproduce(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    target: Annotated[
        str,
        typer.Argument(
            metavar="ROW|SUITE",
            help="A suite (a name from `dferbench list suites`, or a file), or the id of a published row.",
        ),
    ],
    dataset: DatasetName,
    rows: Annotated[str | None, typer.Option(help="Of a suite only these rows: 1 or 1,3.")] = None,
    suites: Annotated[
        Path | None,
        typer.Option(
            help="A folder of suites in which ROW is looked up instead of those that are registered."
        ),
    ] = None,
    select: Annotated[
        str,
        typer.Option(
            help="Which epoch counts; if not given, by the published number's own rule, or last where that "
            "is unknown.",
            show_default=False,
        ),
    ] = "",
    level: LevelOrDefault = 95.0,
    fold: Annotated[str, typer.Option("--fold", "-f", help="Folds to run: 1, 1,3 or all.")] = "all",
    seed: Seeds = "0",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="As given to bench. What changes a row is never a reproduction."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=0, help="As given to bench.")] = None,
    root: Root = None,
    weights: Annotated[
        list[str] | None, typer.Option(help="Backbone weights: NAME=FILE or NAME=random.")
    ] = None,
    device: Device = "auto",
    devices: Devices = "",
    output: Output = Path("runs"),
    limit: Limit = None,
    workers: Workers = "auto",
    jobs: Jobs = "1",
    skip_bad: SkipBad = False,
    validation: Validation = None,
    patience: Patience = None,
    save_every: SaveEvery = 0,
    changed: Changed = "ask",
    tracker: Trackers = None,
    launcher: Annotated[str, typer.Option(help="As given to bench.")] = "",
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Run nothing: print the plan, and the verdicts on existing runs."),
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    quiet: Quiet = False,
) -> int:
    """Run what a published number lacks, and say whether it was reproduced.

    It is if it lies inside the interval of the runs; else they are below or above it, or not comparable. All
    that is known to differ between the protocols is listed.
    """
    asked = locals()
    from dferbench.experiment.selection import RULES
    from dferbench.registry.datasets import make_dataset
    from dferbench.report import reproduction_text

    catalog: Catalog = context.obj
    if select and select not in RULES:
        raise UnknownName("selection rule", select, RULES)
    file, suite = _suite(target, rows, suites, catalog)
    name = make_dataset(dataset, catalog).entry.name
    base = request_of(asked)
    some = replace(suite, rows=tuple(_worth(suite, name, catalog)))
    ran = _NOTHING
    if some.rows:
        done = run_missing(some, file, base, epochs, catalog, Ways(launcher, jobs, quiet, dry_run))
        if done is None:
            return 0
        ran = done
    stand = list(ran.stand if dry_run else ran.now())
    found = list(_verdicts(suite, name, ran.found, _records(stand), (select, level)))
    if json_:
        typer.echo(reproduction_text.as_json(suite.name, dataset, level, found))
        return ran.exit_code
    if dry_run and stand:
        typer.echo(plan_text(stand) + ran.preview + "\n")
    typer.echo(reproduction_text.as_text(found, dataset, level))
    if stand and not dry_run:
        typer.echo(f"\n{where(output)}")
    return ran.exit_code


_NOTHING = Ran((), (), list)
"""Where no row can have a verdict, nothing is run."""


def _suite(target: str, rows: str | None, folder: Path | None, catalog: Catalog) -> tuple[Path, Suite]:
    """The suite that is meant and its file, with the rows that are meant."""
    from dferbench.experiment.metrics import registered
    from dferbench.experiment.suite import read_suite, suite_file

    known = registered(catalog)
    if target in catalog.entries["suites"] or target.endswith(".toml") or Path(target).is_file():
        path = suite_file(target, catalog)
        suite = read_suite(path, known)
        return path, suite if rows is None else suite.only(numbers(rows, "--rows"))
    if rows is not None:
        raise ConfigError(
            f"--rows is of a suite, and {target} is a row", "Name the suite's file, or leave it out."
        )
    if folder is None:
        ours = catalog.entries["suites"]
        files = [one.value for one in ours.values()]
        return _row(target, files, "suite or published row", known, ours)
    if not folder.is_dir():
        raise ConfigError(f"there is no folder {folder}", "Name a suite's file, or its folder as --suites.")
    return _row(target, sorted(folder.glob("*.toml")), f"published row in the suites of {folder}", known)


def _row(
    name: str, files: Sequence[Path], what: str, known: Metrics, near: Iterable[str] = ()
) -> tuple[Path, Suite]:
    """The suite that has the published row, with that row alone; `what` is searched, and `near` are names of
    other things that could have been meant."""
    suites, problems = _readable(files, known)
    named = [
        (path, suite, row)
        for path, suite in suites.items()
        for row in suite.rows
        if row.printed is not None and row.printed.id == name
    ]
    if not named:
        for problem in problems:
            typer.echo(f"not searched: {problem}", err=True)
        ids = [row.printed.id for suite in suites.values() for row in suite.rows if row.printed]
        raise UnknownName(what, name, {*near, *ids})
    if len(named) > 1:
        ways = ", ".join(f"{path} --rows {row.number}" for path, _, row in named)
        raise ConfigError(f"{len(named)} rows have the published numbers '{name}'", f"Name one of {ways}.")
    path, suite, row = named[0]
    return path, suite.only((row.number,))


def _readable(files: Sequence[Path], known: Metrics) -> tuple[dict[Path, Suite], list[ConfigError]]:
    """The suites by their files, and why other TOML files are none."""
    from dferbench.experiment.suite import read_suite

    suites, problems = {}, []
    for path in files:
        try:
            suites[path] = read_suite(path, known)
        except ConfigError as error:
            problems.append(error)
    return suites, problems


def _worth(suite: Suite, dataset: str, catalog: Catalog) -> Iterator[Row]:
    """The rows of which runs can have a verdict."""
    from dferbench.report.reproduction import hopeless

    for row in suite.rows:
        if row.method in catalog.entries["methods"] and not hopeless(row, dataset):
            yield row


def _records(stand: Sequence[Status]) -> dict[int, Runs]:
    """Per row and run the finished record, or None."""
    from dferbench.experiment.record import Record

    return {
        one.row.number: {
            run: record if isinstance(record, Record) and record.status == "done" else None
            for run, record in one.looked.items()
        }
        for one in stand
    }


def _verdicts(
    suite: Suite,
    dataset: str,
    found: Sequence[Experiment],
    records: Mapping[int, Runs],
    asked: tuple[str, float],
) -> Iterator[Reproduction]:
    """Of every row; `asked` is the selection rule, "" for the printed number's own, and the level."""
    from dferbench.report.reproduction import reproduced, rule_for, without_runs

    experiments = {one.row.number: one for one in found}
    select, level = asked
    for row in suite.rows:
        rule = rule_for(row, dataset, select)
        if row.number in experiments:
            setting = _setting(experiments[row.number], dataset, suite)
            yield reproduced(row, setting, records[row.number], rule, level)
        else:
            yield without_runs(row, dataset, rule)


def _setting(one: Experiment, dataset: str, suite: Suite) -> Setting:
    from dferbench.experiment.protocol import own_protocol
    from dferbench.report.reproduction import Setting

    chosen = one.settled.chosen
    return Setting(
        dataset=dataset,
        folds=tuple(chosen.dataset.folds),
        own=own_protocol(one.settled, one.catalog),
        changes=(*_changes(one), *_less(one, dataset, suite)),
        options=one.request.dataset if chosen.given else "",
        method=tuple(_about(one)),
        metrics=one.settled.metrics,
    )


def _about(one: Experiment) -> Iterator[str]:
    """How close the method here is to the published one, as its card says."""
    from dferbench.cards import word

    card = one.settled.method.value.card
    fidelity = word(str(card.get("fidelity", "")))
    if fidelity or card.get("deviations"):
        known = ", and it differs from its source in known ways" if card.get("deviations") else ""
        yield f"method: {fidelity or 'of unstated fidelity'}{known} (dferbench show {one.row.method})"


def _changes(one: Experiment) -> Iterator[str]:
    """What the user asked for that makes another experiment of the row."""
    from dferbench.experiment.plan import settle

    plain = replace(one.request, sets=one.row.sets, limit=None)
    if settle(plain, one.catalog).config_id != one.settled.config_id:
        for name, text in one.request.sets.items():
            if one.row.sets.get(name) != text:
                yield f"{name}={text}"
        if one.request.limit is not None:
            yield f"limit={one.request.limit}"


def _less(one: Experiment, dataset: str, suite: Suite) -> Iterator[str]:
    """Videos that the user holds out of training, where the published number did not need them to choose."""
    held, printed = one.request.validation, one.row.printed
    if held and held != suite.validation and printed and printed.protocol(dataset).select != "val":
        yield f"validation={held:g}"
