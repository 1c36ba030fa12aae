"""`dferbench doctor`: what is installed, what works, what does not and what to do about it."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext, redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import dferbench
from dferbench.cli.arguments import DecoderName, Device, Folds, Limit, Output, Root, SkipBad
from dferbench.cli.complete import dataset_names, method_names
from dferbench.errors import ConfigError
from dferbench.files import json_text
from dferbench.registry.catalog import Catalog

if TYPE_CHECKING:
    from dferbench.doctor import Finding

MARKS = {"ok": "ok ", "fails": "BAD", "skipped": "-- "}


def doctor(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="Check a run of this method.", autocompletion=method_names),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option("--dataset", "-d", help="The dataset of that run.", autocompletion=dataset_names),
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="An option of that run.")] = None,
    fold: Folds = None,
    root: Root = None,
    weights: Annotated[
        list[str] | None, typer.Option(help="Weights of a backbone: NAME=FILE or NAME=random.")
    ] = None,
    output: Output = Path("runs"),
    limit: Limit = None,
    device: Device = "auto",
    decoder: DecoderName = "auto",
    skip_bad: SkipBad = False,
    tracebacks: Annotated[bool, typer.Option(help="Show why plugins are broken, in full.")] = True,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Check the installation and, with -m and -d, whether that run can begin; exits with 1 if not."""
    if (model is None) != (dataset is None):
        raise ConfigError("a run needs a method and a dataset", "Give both: -m METHOD -d DATASET.")
    run = {"sets": set_, "weights": weights, "folds": fold, "root": root, "output": output, "limit": limit}
    run |= {"model": model, "dataset": dataset, "device": device, "decoder": decoder, "skip_bad": skip_bad}
    # What other packages print while they are tried is not a part of a JSON object.
    with redirect_stdout(sys.stderr) if json_ else nullcontext():
        findings = told(_findings(context.obj, run), tracebacks, quiet=json_)
    bad = sum(one.state == "fails" for one in findings)
    if json_:
        typer.echo(json_text(_head() | {"ok": not bad, "checks": [asdict(one) for one in findings]}))
    else:
        typer.echo("everything works" if not bad else f"{bad} to fix")
    return 1 if bad else 0


def _head() -> dict[str, Any]:
    facts = {"dferbench": dferbench.__version__, "python": platform.python_version()}
    return {"schema": 1, **facts, "platform": platform.platform()}


def _findings(catalog: Catalog, run: dict[str, Any]) -> Iterator[Finding]:
    from dferbench.doctor.installation import installation

    if run["model"] is not None:
        stay_offline()
    yield from installation(catalog, run["output"])
    if run["model"] is not None:
        from dferbench.doctor.run import readiness

        yield from readiness(_request(run), catalog)


def stay_offline() -> None:
    """Whether weights are at hand is the question: nothing is fetched to answer it. The hub reads this once,
    when it is imported."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")


def _request(run: dict[str, Any]) -> Any:
    from dferbench.cli.requests import folds_of
    from dferbench.experiment.plan import Request
    from dferbench.registry.options import WEIGHTS, assignments

    sets, weights = assignments(run["sets"] or []), assignments(run["weights"] or [], WEIGHTS)
    return Request(**run | {"sets": sets, "weights": weights, "folds": folds_of(run["folds"])})


def told(findings: Iterable[Finding], tracebacks: bool, quiet: bool, head: bool = True) -> list[Finding]:
    """The findings, each printed as soon as it is there unless `quiet`, below what is installed."""
    facts, kept = _head(), []
    if head and not quiet:
        typer.echo(f"dferbench {facts['dferbench']}, Python {facts['python']}, {facts['platform']}")
    for one in findings:
        kept.append(one)
        if not quiet:
            _print(one, tracebacks)
    return kept


def _print(one: Finding, tracebacks: bool) -> None:
    from dferbench.report.fitted import folded

    typer.echo(folded(f"{MARKS[one.state]} {one.name}: {one.says}", "    "))
    if one.hint:
        typer.echo(folded(f"    {one.hint}", "    "))
    if one.details and tracebacks:
        typer.echo(one.details)
