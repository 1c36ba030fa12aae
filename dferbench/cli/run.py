"""`dferbench run`: train and test a method on a dataset, and show where it stands."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dferbench import exit_codes
from dferbench.cli.arguments import (
    Changed,
    DatasetName,
    DecoderName,
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
    Trackers,
    Validation,
    Workers,
)
from dferbench.cli.complete import method_names
from dferbench.cli.requests import request_of, settings_of
from dferbench.errors import ConfigError
from dferbench.files import json_text
from dferbench.interface.outcome import require_some

if TYPE_CHECKING:
    from dferbench.experiment.metrics import Columns
    from dferbench.experiment.plan import Plan, Request
    from dferbench.experiment.record import Record
    from dferbench.registry.catalog import Catalog


def run(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    model: Annotated[str, typer.Option("--model", "-m", help="Method to run.", autocompletion=method_names)],
    dataset: DatasetName,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Option of the method (words=4) or of its recipe (input.frames=8, stage.batch=16).",
        ),
    ] = None,
    fold: Folds = None,
    seed: Seeds = "0",
    epochs: Annotated[
        int | None, typer.Option(min=0, help="Number of epochs of every stage; 0 tests the untrained model.")
    ] = None,
    device: Device = "auto",
    devices: Devices = "",
    precision: Annotated[
        str | None, typer.Option(help="fp32, bf16 or fp16. Default: as the recipe says.")
    ] = None,
    output: Output = Path("runs"),
    root: Root = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(help="Backbone weights: NAME=FILE, or NAME=random for random initialisation."),
    ] = None,
    limit: Limit = None,
    workers: Workers = "auto",
    jobs: Jobs = "1",
    decoder: DecoderName = "auto",
    skip_bad: SkipBad = False,
    validation: Validation = None,
    patience: Patience = None,
    save_every: SaveEvery = 0,
    keep_predictions: KeepPredictions = "last",
    changed: Changed = "ask",
    tracker: Trackers = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything that this run needs, and run nothing.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Start over, even if the run is finished or interrupted.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the records as one JSON object.")] = False,
    metrics: MetricNames = "uar,war",
    by: RankedBy = "",
    quiet: Quiet = False,
    like: Annotated[
        Path | None,
        typer.Option(
            metavar="RECORD",
            help="Repeat the run of this record, or the run in this folder; further options change "
            "single settings.",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML file of these options; what the command line says wins."),
    ] = None,
) -> int:
    """Train and test a method on a dataset. The same command resumes what was interrupted."""
    asked = locals()
    from dferbench.cli.jobs import run_in_jobs, shares_for
    from dferbench.experiment.metrics import columns, registered
    from dferbench.experiment.plan import make_plan
    from dferbench.interface.progress import make_progress
    from dferbench.interface.run import carry_out

    shown = columns(metrics, by, registered(context.obj))
    request = request_of(asked, sets=settings_of(set_, epochs, precision))
    if dry_run:
        return _rehearsed(request, context.obj, json_)
    plan, progress = make_plan(request, context.obj), make_progress(quiet)
    shares = shares_for(jobs, [plan], quiet)
    if shares.jobs > 1:
        records = run_in_jobs(plan, shares, context.obj, quiet)
    else:
        records = carry_out(plan, context.obj, progress)
    return conclude(records, plan, json_, shown)


def _rehearsed(request: Request, catalog: Catalog, json_: bool) -> int:
    """Tell every finding about the run. Raises ConfigError if it could not begin."""
    from dferbench.cli.doctor import stay_offline, told
    from dferbench.doctor.run import readiness

    stay_offline()
    found = told(readiness(request, catalog), tracebacks=True, quiet=json_, head=False)
    bad = [one for one in found if one.state == "fails"]
    if json_:
        typer.echo(json_text({"schema": 1, "ok": not bad, "checks": [asdict(one) for one in found]}))
    if bad:
        raise ConfigError(
            f"this run cannot begin: {', '.join(one.name for one in bad)}",
            bad[0].hint or "Change what is said above.",
        )
    if not json_:
        typer.echo("this run can begin")
    return 0


def conclude(records: list[Record], plan: Plan, json_: bool, shown: Columns) -> int:
    """Show what became of the runs of a plan and where they lie, and return the exit code that says it.

    Raises the first run's error if all failed.
    """
    failed = [one for one in records if one.status != "done"]
    folders = [str(plan.folder(*one)) for one in plan.runs]
    if json_:
        dumped = [one.model_dump(by_alias=True) for one in records]
        typer.echo(json_text({"schema": 1, "records": dumped, "folders": folders}))
    else:
        _standing(plan, shown)
        typer.echo("\n".join(["", *folders]))
    require_some(records)
    return exit_codes.SOME_FAILED if failed else exit_codes.DONE


def _standing(plan: Plan, shown: Columns) -> None:
    """The row of this configuration, all its folds and seeds. Those of others are not read: at the end of
    each of a thousand runs that would take longer than many of the runs."""
    from dferbench.report.leaderboard import load, rows
    from dferbench.report.text import leaderboard

    folder = plan.folder(*plan.runs[0]).parent
    records = load(folder, plan.metrics, shown)[0] if folder.is_dir() else []
    if records:
        held = [one for one in records if one.validation]
        typer.echo(leaderboard(rows(records, "last", shown), "last", shown=shown))
        if held:
            typer.echo("\n" + leaderboard(rows(held, "val", shown), "val", shown=shown, optimism=True))
        others = plan.request.output
        typer.echo(f"\ndferbench leaderboard {shlex.quote(str(others))} ranks it among all runs there.")
