"""The runs of `run` and `bench` side by side, and what became of them in the form that these verbs expect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from dferbench.cli.arguments import number_of
from dferbench.cli.launched import Ended
from dferbench.runner.jobs.share import Shares, shared

if TYPE_CHECKING:
    from dferbench.cli.standing import Status
    from dferbench.experiment.plan import Plan
    from dferbench.experiment.record import Record
    from dferbench.experiment.suite import Row
    from dferbench.registry.catalog import Catalog
    from dferbench.runner.jobs.board import Board


def shares_for(asked: str, plans: Sequence[Plan], quiet: bool) -> Shares:
    """How many jobs the plans' runs are shared by, which is said where somebody asked.

    Raises ConfigError if they cannot be shared.
    """
    todo = sum(len(plan.unfinished) for plan in plans)
    request = plans[0].request
    shares = shared(number_of(asked), request.device, todo, request.devices)
    if asked != "1" and not quiet:
        runs = sum(len(plan.runs) for plan in plans)
        typer.echo(f"{runs - todo} runs done, {todo} to do: {shares}", err=True)
    return shares


def run_in_jobs(plan: Plan, shares: Shares, catalog: Catalog, quiet: bool) -> list[Record]:
    """What `runner.run.run` gives, in the plan's order.

    Raises what a job finds before any run starts, the first error that is in no record, and the error for
    runs that other processes are at.
    """
    from dferbench.runner.jobs.board import LEFT, Board

    board = Board([("", plan)])
    _work("", [(None, plan)], board, shares, catalog, quiet)
    raised = [run.failure for run in board.runs if run.failure and run.failure.exit_code != LEFT]
    left = [run.failure for run in board.runs if run.failure and run.failure.exit_code == LEFT]
    for failure in raised:
        raise failure.error()
    if left:
        more = f", and {len(left) - 1} more runs by it or others" if len(left) > 1 else ""
        raise replace(left[0], message=left[0].message + more).error()
    return [run.record for run in board.runs if run.record is not None]


def bench_in_jobs(
    suite: str, stand: Sequence[Status], shares: Shares, catalog: Catalog, quiet: bool
) -> Ended:
    """Do the runs of rows in jobs, and find out how they ended."""
    from dferbench.runner.jobs.board import Board

    rows = [(one.row, one.plan) for one in stand if one.plan]
    board = Board([(f"row {row.number}", plan) for row, plan in rows])
    _work(suite, rows, board, shares, catalog, quiet)
    failed: dict[int, str] = {}
    left: dict[int, str] = {}
    for run in board.runs:
        number = rows[run.deal.row][0].number
        if run.state == "left" and run.failure:
            left.setdefault(number, run.failure.message)
        elif run.failure:
            failed.setdefault(number, run.failure.line)
        elif run.record and run.record.status != "done":
            failed.setdefault(number, run.record.error.splitlines()[0])
    return failed, {number: why for number, why in left.items() if number not in failed}


def _work(
    suite: str,
    rows: Sequence[tuple[Row | None, Plan]],
    board: Board,
    shares: Shares,
    catalog: Catalog,
    quiet: bool,
) -> None:
    from dferbench.cli.jobs_screen import screen_of
    from dferbench.runner.jobs.messages import Start
    from dferbench.runner.jobs.parent import Crew

    requests = tuple((row, plan.request) for row, plan in rows)
    start = Start(suite, requests, catalog.files, environment={})
    with screen_of(quiet) as screen:
        Crew(start, board, shares, screen).work()
