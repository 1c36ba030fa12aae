"""`dferbench bench`: run what a suite still lacks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dferbench.cli.arguments import (
    Changed,
    DatasetName,
    Device,
    Folds,
    Limit,
    MetricNames,
    Output,
    Quiet,
    RankedBy,
    Root,
    Seeds,
    SkipBad,
    Trackers,
    Workers,
)
from dferbench.cli.run import EXIT_SOME_FAILED, folds_of, numbers
from dferbench.errors import ConfigError

if TYPE_CHECKING:
    from dferbench.experiment.plan import Plan, Request
    from dferbench.experiment.rows import Experiment
    from dferbench.experiment.suite import Row, Suite
    from dferbench.registry.catalog import Catalog

NO_PLUGIN = "no plugin"


@dataclass(frozen=True)
class Status:
    """How a row stands; `plan` is None for a row whose method nobody registers."""

    row: Row
    plan: Plan | None = None
    done: int = 0
    epochs: int = 0
    videos: tuple[int, int] | None = None
    seconds: float | None = None
    """What the remaining runs will take, or None if nothing is known."""
    bad: str = ""
    """What is wrong with the first record that cannot be used, and what to do about it."""
    unusable: int = 0

    @property
    def todo(self) -> int:
        """Runs without a record; one that cannot be used may hold a result, and is left as it is."""
        return len(self.plan.runs) - self.done - self.unusable if self.plan else 0


def bench(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Suite file, such as benchmarks/table1.toml.")],
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
    output: Output = Path("runs"),
    limit: Limit = None,
    workers: Workers = 2,
    skip_bad: SkipBad = False,
    changed: Changed = "ask",
    tracker: Trackers = None,
    launcher: Annotated[
        str, typer.Option(help="Run each row in a process of its own, started by this launcher.")
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
    from dferbench.experiment.metrics import columns, registered
    from dferbench.experiment.plan import Request
    from dferbench.experiment.rows import experiments
    from dferbench.experiment.suite import read_suite
    from dferbench.registry.options import WEIGHTS, assignments

    catalog: Catalog = context.obj
    known = registered(catalog)
    shown = columns(metrics, by, known)
    suite = read_suite(file, known)
    suite = suite if rows is None else suite.only(numbers(rows, "--rows"))
    base = Request(
        model="",
        dataset=dataset,
        sets=assignments(set_ or []),
        folds=folds_of(fold),
        seeds=numbers(seed, "--seed"),
        root=root,
        weights=assignments(weights or [], WEIGHTS),
        limit=limit,
        output=output,
        device=device,
        workers=workers,
        skip_bad=skip_bad,
        changed=changed,
        trackers=tuple(tracker or ()),
    )
    found, missing = experiments(suite, base, epochs, catalog)
    if missing:
        typer.echo(_without_plugin(missing), err=True)
    if not found:
        raise ConfigError(f"no row of {file} can be run", "dferbench doctor shows plugins that are broken.")
    stand = [*map(Status, missing), *_statuses(found, costs=dry_run)]
    if dry_run:
        failed: dict[int, str] = {}
    elif launcher:
        _require_same_code(suite, stand)
        failed = _launched(launcher, file, stand, base, epochs, catalog)
    else:
        failed = _run(suite, stand, catalog, quiet)
    failed |= {one.row.number: one.bad for one in stand if one.bad}
    for number, reason in failed.items():
        typer.echo(f"failed: row {number}: {reason}", err=True)
    if json_:
        stand = [*map(Status, missing), *_statuses(found, costs=dry_run)]
        typer.echo(_as_json(suite, stand, failed))
    elif dry_run:
        typer.echo(_as_text(stand))
    else:
        from dferbench.cli.table import print_table

        print_table(suite, base, epochs, output / found[0].settled.chosen.entry.name, catalog, shown)
    return EXIT_SOME_FAILED if failed else 0


def _without_plugin(rows: Sequence[Row]) -> str:
    """One line for all rows that are skipped; with their labels while these are few."""
    told = [f"{row.number} ({row.label})" if len(rows) <= 3 else str(row.number) for row in rows]
    several = "s" if len(rows) > 1 else ""
    return f"skipped, as no plugin registers the method: row{several} {', '.join(told)}"


def _statuses(found: Sequence[Experiment], *, costs: bool) -> list[Status]:
    """Every row's plan and what is done of it; `costs` also counts videos and estimates time."""
    plans = [one.plan() for one in found]
    videos, records = _at_hand(plans[0]) if costs else (None, [])
    return [_status(e, plan, videos, records) for e, plan in zip(found, plans, strict=True)]


def _at_hand(plan: Plan) -> tuple[tuple[int, int] | None, list[Any]]:
    from dferbench.profiling.estimate import count_videos
    from dferbench.report.leaderboard import load

    folder = plan.request.output / plan.task.dataset
    return count_videos(plan), load(folder)[0] if folder.is_dir() else []


def _status(one: Experiment, plan: Plan, videos: tuple[int, int] | None, records: list[Any]) -> Status:
    from dferbench.profiling.estimate import seconds_per_run

    bad = _unusable(plan)
    todo = len(plan.unfinished)
    done = len(plan.runs) - todo - len(bad)
    each = seconds_per_run(plan, videos, records)
    cost = 0.0 if not todo else each and each * todo
    return Status(one.row, plan, done, one.epochs, videos, cost, "".join(bad[:1]), len(bad))


def _unusable(plan: Plan) -> list[str]:
    """Why records of the plan's runs cannot be used, one line each."""
    from dferbench.experiment.record import BadRecord

    found = []
    for run in plan.runs:
        try:
            plan.finished(*run)
        except BadRecord as error:
            found.append(f"{error}. {error.hint}")
    return found


def _tell_lost(stand: Sequence[Status]) -> None:
    """Rows that are done are not run again, even if files of theirs are gone: that is said."""
    from dferbench.runner.runs import lost, told_lost

    for one in stand:
        plan = one.plan
        if plan is None or one.todo or one.unusable:
            continue
        for run in plan.runs:
            record, folder = plan.finished(*run), plan.folder(*run)
            if record and (gone := lost(record, folder)):
                typer.echo(f"row {one.row.number}: {told_lost(gone, folder)}", err=True)


def _run(suite: Suite, stand: Sequence[Status], catalog: Catalog, quiet: bool) -> dict[int, str]:
    _require_same_code(suite, stand)
    _tell_lost(stand)
    todo = [one for one in stand if one.todo]
    done = sum(one.done for one in stand)
    if not quiet:
        runs = sum(one.todo for one in todo)
        typer.echo(f"{suite.name}: {done} runs done, {runs} to do in {len(todo)} rows", err=True)
    if not todo:
        return {}
    from dferbench.cli.progress import make_progress
    from dferbench.runner.bench import Job, bench

    jobs = [Job(one.row, one.plan) for one in todo if one.plan]
    return bench(suite.name, jobs, catalog, make_progress(quiet))


def _require_same_code(suite: Suite, stand: Sequence[Status]) -> None:
    from dferbench.experiment.rows import naming
    from dferbench.runner.runs import require_same_code

    for one in stand:
        if one.plan is not None:
            with naming(suite.name, one.row):
                require_same_code(one.plan)


def _launched(
    launcher: str, file: Path, stand: Sequence[Status], base: Request, epochs: int | None, catalog: Catalog
) -> dict[int, str]:
    from dferbench.runner.launch import launch, row_command

    rows = [one.row.number for one in stand if one.todo]
    if not rows:
        return {}
    return launch(launcher, {n: row_command(file, n, base, epochs, catalog) for n in rows}, catalog)


def _as_json(suite: Suite, stand: Sequence[Status], failed: dict[int, str]) -> str:
    rows = [_as_data(one, failed.get(one.row.number, "")) for one in _in_order(stand)]
    return json.dumps({"schema": 1, "suite": suite.name, "rows": rows}, ensure_ascii=False)


def _in_order(stand: Sequence[Status]) -> list[Status]:
    return sorted(stand, key=lambda one: one.row.number)


def _as_data(one: Status, error: str) -> dict[str, Any]:
    row, plan = one.row, one.plan
    state = "failed" if error else NO_PLUGIN if plan is None else "to do" if one.todo else "done"
    return {
        "number": row.number, "label": row.label, "group": row.group, "method": row.method,
        "options": dict(row.sets), "status": state, "error": error, "done": one.done, "todo": one.todo,
        "epochs": one.epochs, "videos": one.videos and dict(zip(("train", "test"), one.videos, strict=True)),
        "seconds": one.seconds, "folder": str(plan.folder(*plan.runs[0]).parent) if plan else None,
    }  # fmt: skip


def _as_text(stand: Sequence[Status]) -> str:
    from tabulate import tabulate

    heads = ["#", "row", "method", "options", "done", "to do", "epochs", "train/test", "time to do"]
    lines = [_plan_line(one) for one in _in_order(stand)]
    known = [one.seconds for one in stand if one.seconds is not None]
    unknown = sum(one.seconds is None and one.todo > 0 for one in stand)
    total = f"together about {clock(sum(known))}" if known else "together unknown"
    rest = f", and {unknown} rows unknown: nothing like them has been run yet" if known and unknown else ""
    return f"{tabulate(lines, heads, disable_numparse=True)}\n\n{total}{rest}"


def _plan_line(one: Status) -> list[str]:
    row = one.row
    words = [str(row.number), row.label, row.method, " ".join(f"{k}={v}" for k, v in row.sets.items())]
    if one.plan is None:
        return [*words, NO_PLUGIN, "", "", "", ""]
    videos = "unknown" if one.videos is None else f"{one.videos[0]}/{one.videos[1]}"
    time = "unknown" if one.seconds is None else clock(one.seconds)
    return [*words, str(one.done), str(one.todo), str(one.epochs), videos, time]


def clock(seconds: float) -> str:
    """Seconds as a person would say them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
