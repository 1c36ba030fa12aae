"""`dferbench bench`: run what a suite still lacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dferbench import exit_codes
from dferbench.cli.arguments import (
    Changed,
    DatasetName,
    Device,
    Devices,
    Folds,
    Jobs,
    KeepPredictions,
    Limit,
    MetricNames,
    Output,
    Patience,
    Quiet,
    RankedBy,
    Root,
    SaveEvery,
    Seeds,
    SkipBad,
    SuiteName,
    Trackers,
    Validation,
    Workers,
)
from dferbench.cli.launched import Ended, launched, previewed, study_of_rows
from dferbench.cli.requests import numbers, request_of
from dferbench.cli.runs import where
from dferbench.cli.standing import Status, as_json, as_text, statuses
from dferbench.errors import ConfigError

if TYPE_CHECKING:
    from dferbench.experiment.plan import Request
    from dferbench.experiment.rows import Experiment
    from dferbench.experiment.suite import Row, Suite
    from dferbench.registry.catalog import Catalog


def bench(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    file: SuiteName,
    dataset: DatasetName,
    rows: Annotated[str | None, typer.Option(help="Run only these rows: 1 or 1,3.")] = None,
    fold: Folds = None,
    seed: Seeds = "0",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Option for every row, as in `run`; stage.* applies to rows that train."),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=0, help="Number of epochs of every stage, for rows that train.")
    ] = None,
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
    keep_predictions: KeepPredictions = "last",
    changed: Changed = "ask",
    tracker: Trackers = None,
    force: Annotated[
        bool, typer.Option("--force", help="Start over, even runs that are finished or interrupted.")
    ] = False,
    launcher: Annotated[
        str,
        typer.Option(
            help="Start the runs in processes of their own: processes, slurm, ray or a plugin's, as NAME or "
            "'NAME(option=value)'."
        ),
    ] = "",
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the plan and its estimated cost without running anything."),
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    metrics: MetricNames = "uar,war",
    by: RankedBy = "",
    quiet: Quiet = False,
) -> int:
    """Run every row of a suite that has no finished record yet. The same command continues after a stop."""
    asked = locals()
    from dferbench.experiment.metrics import columns, registered
    from dferbench.experiment.suite import read_suite, suite_file

    catalog: Catalog = context.obj
    known = registered(catalog)
    shown = columns(metrics, by, known)
    path = suite_file(file, catalog)
    suite = read_suite(path, known)
    suite = suite if rows is None else suite.only(numbers(rows, "--rows"))
    base = request_of(asked)
    ways = Ways(launcher, jobs, quiet, dry_run)
    ran = run_missing(suite, path, base, epochs, catalog, ways)
    if ran is None:
        return 0
    if json_:
        typer.echo(as_json(suite, ran.stand if dry_run else ran.now(), ran.failed))
    elif dry_run:
        typer.echo(as_text(ran.stand) + ran.preview)
    else:
        from dferbench.cli.table import print_table

        print_table(suite, base, epochs, output / ran.found[0].settled.chosen.entry.name, catalog, shown)
        typer.echo(f"\n{where(output)}")
    return ran.exit_code


@dataclass(frozen=True)
class Ways:
    """How runs are made: by a launcher or in so many jobs, said or not, or not at all."""

    launcher: str = ""
    jobs: str = "1"
    quiet: bool = False
    dry: bool = False


@dataclass(frozen=True)
class Ran:
    """What was run of a suite: its rows as `found`, how they stood before as `stand`, and how it ended."""

    found: Sequence[Experiment]
    stand: Sequence[Status]
    now: Callable[[], list[Status]]
    """How rows stand after the runs."""
    preview: str = ""
    """What a launcher would send."""
    failed: dict[int, str] = field(default_factory=dict)
    left: dict[int, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """What the process ends with."""
        from dferbench.runner.claims import Busy

        return exit_codes.SOME_FAILED if self.failed else Busy.exit_code if self.left else exit_codes.DONE


def run_missing(
    suite: Suite, file: Path, base: Request, epochs: int | None, catalog: Catalog, ways: Ways
) -> Ran | None:
    """Run every row that has no finished record; None if a launcher continues elsewhere.

    Raises ConfigError if no row can be run.
    """
    from dferbench.experiment.rows import experiments

    if ways.launcher and ways.jobs != "1":
        raise ConfigError(
            "--jobs is for processes on this machine, and --launcher starts its own",
            "Leave one of them out.",
        )
    found, missing = experiments(suite, base, epochs, catalog)
    if missing:
        typer.echo(_without_plugin(missing), err=True)
    if not found:
        raise ConfigError(f"no row of {file} can be run", "dferbench doctor shows plugins that are broken.")
    without = list(map(Status, missing))
    stand = [*without, *statuses(found, costs=ways.dry)]

    def look() -> list[Status]:
        """How rows stand when processes that heeded --force have ended."""
        again = experiments(suite, replace(base, force=False), epochs, catalog)[0]
        return [*without, *statuses(again, costs=False)]

    study = study_of_rows(suite, file, stand, base, epochs, catalog)
    ended: Ended | None = ({}, {})
    if not ways.dry:
        _require_same_code(suite, stand)
        ended = (
            launched(ways.launcher, study, catalog, look)
            if ways.launcher
            else _run(suite, stand, ways.jobs, catalog, ways.quiet)
        )
    if ended is None:
        return None
    failed, left = _told(ended, stand)
    preview = previewed(ways.launcher, study, catalog) if ways.dry else ""
    return Ran(found, stand, look, preview, failed, left)


def _told(ended: Ended, stand: Sequence[Status]) -> Ended:
    """Say a line for each row that failed or is left, those whose records are bad among them."""
    failed, left = ended
    failed = failed | {one.row.number: one.bad for one in stand if one.bad}
    for number, reason in failed.items():
        typer.echo(f"failed: row {number}: {reason}", err=True)
    for number, reason in left.items():
        typer.echo(f"left to others: row {number}: {reason}", err=True)
    return failed, left


def _without_plugin(rows: Sequence[Row]) -> str:
    """One line for all rows that are skipped; with their labels while these are few."""
    told = [f"{row.number} ({row.label})" if len(rows) <= 3 else str(row.number) for row in rows]
    several = "s" if len(rows) > 1 else ""
    return f"skipped, as no plugin registers the method: row{several} {', '.join(told)}"


def _tell_lost(stand: Sequence[Status]) -> None:
    """Rows that are done are not run again, even if files of theirs are gone: that is said."""
    from dferbench.experiment.record import BadRecord
    from dferbench.runner.finished import lost, told_lost

    for one in stand:
        plan = one.plan
        if plan is None or one.todo or one.unusable:
            continue
        for run, record in one.looked.items():
            folder = plan.folder(*run)
            if record is not None and not isinstance(record, BadRecord) and (gone := lost(record, folder)):
                typer.echo(f"row {one.row.number}: {told_lost(gone, folder)}", err=True)


def _run(suite: Suite, stand: Sequence[Status], jobs: str, catalog: Catalog, quiet: bool) -> Ended:
    _tell_lost(stand)
    todo = [one for one in stand if one.todo]
    done = sum(one.done for one in stand)
    if not quiet:
        runs = sum(one.todo for one in todo)
        typer.echo(f"{suite.name}: {done} runs done, {runs} to do in {len(todo)} rows", err=True)
    if not todo:
        return {}, {}
    from dferbench.cli.jobs import bench_in_jobs, shares_for

    shares = shares_for(jobs, [one.plan for one in todo if one.plan], quiet)
    if shares.jobs > 1:
        return bench_in_jobs(suite.name, todo, shares, catalog, quiet)

    from dferbench.interface.progress import make_progress
    from dferbench.runner.bench import Job, bench

    work = [Job(one.row, one.plan) for one in todo if one.plan]
    unfinished = bench(suite.name, work, catalog, make_progress(quiet))
    return unfinished.failed, unfinished.left


def _require_same_code(suite: Suite, stand: Sequence[Status]) -> None:
    from dferbench.experiment.rows import naming
    from dferbench.runner.finished import require_same_code

    for one in stand:
        if one.plan is not None:
            with naming(suite.name, one.row):
                require_same_code(one.plan, one.looked)
