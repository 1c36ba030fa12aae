"""`dferbench run`: train and test a method on a dataset, and show where it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dferbench.cli.complete import dataset_names, method_names
from dferbench.errors import ConfigError, DferbenchError

if TYPE_CHECKING:
    from dferbench.record import Record

EXIT_SOME_FAILED = 5


def run(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    model: Annotated[
        str, typer.Option("--model", "-m", help="The method to run.", autocompletion=method_names)
    ],
    dataset: Annotated[
        str,
        typer.Option(
            "--dataset",
            "-d",
            help="The dataset, as NAME or 'NAME(option=value)'.",
            autocompletion=dataset_names,
        ),
    ],
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="An option of the method (words=4), or of its recipe (view.frames=8, stage.batch=16).",
        ),
    ] = None,
    fold: Annotated[
        str | None, typer.Option("--fold", "-f", help="Folds: 1, 1,3 or all; the first if not given.")
    ] = None,
    seed: Annotated[str, typer.Option("--seed", "-s", help="Seeds: 0 or 0,1,2.")] = "0",
    epochs: Annotated[
        int | None, typer.Option(min=0, help="Epochs of every stage; 0 tests the model as it is built.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    precision: Annotated[
        str | None, typer.Option(help="fp32, bf16 or fp16; the method's own if not given.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder of the runs.")] = Path("runs"),
    root: Annotated[Path | None, typer.Option(help="Where the dataset lies.")] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(help="Weights of a backbone: NAME=FILE, or NAME=random to start from nothing."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Use at most N videos of each split: a trial, marked as such.")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", "-j", min=0, help="Processes that read videos.")] = 2,
    decoder: Annotated[str, typer.Option(help="auto, or the name of a decoder.")] = "auto",
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out videos that cannot be read; the record names them.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Start again what is done or half done.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the records as one JSON object.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> int:
    """Train and test a method on a dataset. The same command resumes what was interrupted."""
    from dferbench.cli.progress import make_progress
    from dferbench.engine.plan import Request, make_plan
    from dferbench.options import assignments

    sets = assignments(set_ or [])
    sets |= {"stage.epochs": str(epochs)} if epochs is not None else {}
    sets |= {"precision": precision} if precision else {}
    request = Request(
        model=model,
        dataset=dataset,
        sets=sets,
        folds=folds_of(fold),
        seeds=numbers(seed, "--seed"),
        root=root,
        weights=assignments(weights or []),
        limit=limit,
        output=output,
        device=device,
        workers=workers,
        decoder=decoder,
        skip_bad=skip_bad,
        force=force,
    )
    plan = make_plan(request, context.obj)

    from dferbench.engine.run import run as run_plan

    records = run_plan(plan, context.obj, make_progress(quiet))
    return conclude(records, output, json_)


def conclude(records: list[Record], output: Path, json_: bool) -> int:
    """Show what became of the cells of one dataset, and the exit code that says it.

    Raises the first cell's error if all failed.
    """
    failed = [one for one in records if one.status != "done"]
    if json_:
        typer.echo(json.dumps({"schema": 1, "records": [one.model_dump(by_alias=True) for one in records]}))
    else:
        _standing(output, records[0].dataset)
    if failed and len(failed) == len(records):
        raise _same_again(failed[0].error, failed[0].exit_code)
    return EXIT_SOME_FAILED if failed else 0


def _same_again(error: str, code: int) -> DferbenchError:
    """The error of a cell, as if it had just been raised."""
    again = DferbenchError(*error.split("\n", 1))
    again.exit_code = code
    return again


def _standing(output: Path, dataset: str) -> None:
    from dferbench.report.leaderboard import load, rows
    from dferbench.report.text import leaderboard

    records, _ = load(output / dataset)
    if records:
        typer.echo(leaderboard(rows(records), "last"))


def folds_of(text: str | None) -> tuple[int, ...] | None:
    """What `--fold` says, as `Request.folds` wants it. Raises ConfigError."""
    return None if text is None else () if text == "all" else numbers(text, "--fold")


def numbers(text: str, option: str) -> tuple[int, ...]:
    """`0,1,2` as whole numbers, each once. Raises ConfigError."""
    try:
        return tuple(dict.fromkeys(int(word) for word in text.split(",")))
    except ValueError:
        raise ConfigError(f"{option} wants whole numbers, not '{text}'", f"Write {option} 1,2,3.") from None
