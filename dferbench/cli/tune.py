"""`dferbench tune`: search for settings on validation videos, and say what was looked at."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dferbench.cli.arguments import (
    Changed,
    DatasetName,
    DecoderName,
    Device,
    Devices,
    Folds,
    Limit,
    Patience,
    Quiet,
    Root,
    SaveEvery,
    Seeds,
    SkipBad,
    Workers,
)
from dferbench.cli.complete import method_names
from dferbench.cli.requests import request_of, settings_of
from dferbench.errors import DferbenchError
from dferbench.files import json_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dferbench.experiment.metrics import Metric
    from dferbench.tuning.journal import Tried
    from dferbench.tuning.tune import Search, Searched


def tune(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    model: Annotated[str, typer.Option("--model", "-m", help="Method to tune.", autocompletion=method_names)],
    dataset: DatasetName,
    search: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=SPACE, what may vary: log(1e-5, 1e-2), uniform(0, 0.5), int(2, 16, step=2) or "
            "choice(a, b). NAME is what --set takes, or stands as @NAME in the value of a --set."
        ),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="What all trials share, as in `run`; may hold @NAME.")
    ] = None,
    validation: Annotated[
        float, typer.Option(help="Fraction of the training videos held out, on which settings are compared.")
    ] = 0.1,
    patience: Patience = None,
    metric: Annotated[str, typer.Option(help="The metric to improve, on the validation videos.")] = "war",
    max_runs: Annotated[
        int, typer.Option(min=1, help="Number of runs (folds x seeds of every trial) in all sessions.")
    ] = 20,
    max_hours: Annotated[
        float | None, typer.Option(help="Hours of training in all sessions.", show_default=False)
    ] = None,
    search_seed: Annotated[int, typer.Option(min=0, help="Random seed of the search.")] = 0,
    fold: Folds = None,
    seed: Seeds = "0",
    epochs: Annotated[int | None, typer.Option(min=1, help="Number of epochs of every stage.")] = None,
    output: Annotated[
        Path, typer.Option("--runs", "--output", "-o", help="Folder of the trials and of the search.")
    ] = Path("tuning"),
    root: Root = None,
    weights: Annotated[
        list[str] | None, typer.Option(help="Backbone weights: NAME=FILE or NAME=random.")
    ] = None,
    limit: Limit = None,
    device: Device = "auto",
    devices: Devices = "",
    workers: Workers = "auto",
    decoder: DecoderName = "auto",
    skip_bad: SkipBad = False,
    save_every: SaveEvery = 0,
    changed: Changed = "ask",
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    quiet: Quiet = False,
) -> None:
    """Search for settings of a method on validation videos; test videos are not read.

    The same command continues a search, also with a larger budget.
    """
    asked = locals()
    from dferbench.experiment.metrics import METRICS, find
    from dferbench.interface.progress import make_progress
    from dferbench.registry.options import assignments
    from dferbench.tuning.space import space_of
    from dferbench.tuning.tune import Search, tune

    texts = assignments(search or [], "--search 'words=int(2, 16)'")
    request = request_of(asked, sets=settings_of(set_, epochs))
    wanted = Search(request, texts, space_of(texts), find(metric, METRICS), max_runs, max_hours, search_seed)
    found = tune(wanted, context.obj, make_progress(quiet))
    best = found.journal.best(higher=wanted.metric.higher_is_better)
    if json_:
        typer.echo(json_text(_as_data(wanted, found)))
    else:
        typer.echo(_as_text(wanted, found))
    if best is None and found.journal.trials:
        raise DferbenchError(f"every trial failed, the first: {found.journal.trials[0].error}", "See above.")


def _as_data(search: Search, found: Searched) -> dict[str, Any]:
    journal, best = found.journal, found.journal.best(higher=search.metric.higher_is_better)
    return {
        "schema": 1,
        "settings": dict(search.settings),
        "trials": [one.model_dump() for one in journal.trials],
        "best": best and best.model_dump(),
        "runs": journal.runs,
        "seconds": journal.seconds,
        "ended": found.why,
        "looked_at": looked_at(search, found),
        "journal": str(found.path),
        "command": command(search, found),
    }


def _as_text(search: Search, found: Searched) -> str:
    from dferbench.report.fitted import fitted, folded

    metric, names = search.metric, list(search.space)
    trials = sorted(enumerate(found.journal.trials, 1), key=lambda pair: metric.order(pair[1].value))
    lines = [[str(number), *_cells(one, names, metric)] for number, one in trials]
    table = fitted(lines, ["trial", *names, f"validation {metric.title}", "config id"])
    words = command(search, found)
    told = [table, f"The search ended: {found.why}.", looked_at(search, found)]
    told += [f"The best of them, trained and tested:\n{words}"] if words else []
    return folded("\n\n".join([*told, str(found.path)]))


def _cells(one: Tried, names: Sequence[str], metric: Metric) -> list[str]:
    values = [str(one.values[name]) for name in names]
    return [*values, one.error or metric.text(one.value), one.config_id]


def looked_at(search: Search, found: Searched) -> str:
    """What a reader must be told of a result with the settings that were found."""
    plan, journal, metric = found.plan, found.journal, search.metric
    folds = ", ".join(map(str, plan.folds))
    said = (
        f"Looked at: {len(journal.trials)} trials, {journal.runs} runs, {journal.seconds / 3600:.2f} hours "
        f"of training, compared by {metric.title} on a part of {search.request.validation:g} of the training "
        f"videos of fold {folds} of {plan.task.dataset}, each at its best epoch there. No test video of fold "
        f"{folds} was read."
    )
    if any(fold not in plan.folds for fold in plan.dataset.folds):
        said += (
            f" Test videos of other folds are among the training videos of fold {folds}: results on them are "
            "of settings that were chosen with their help."
        )
    return said


def command(search: Search, found: Searched) -> str:
    """What trains and tests the best trial; "" if none succeeded."""
    from dferbench.tuning.space import with_values

    best, one = found.journal.best(higher=search.metric.higher_is_better), search.request
    if best is None:
        return ""
    folds = ",".join(map(str, found.plan.folds))
    words = ["dferbench", "run", "-m", one.model, "-d", one.dataset, "--fold", folds]
    sets = with_values(one.sets, best.values)
    for option, pairs in (("--set", sets), ("--weights", one.weights)):
        words += [word for pair in pairs.items() for word in (option, "=".join(pair))]
    words += ["--validation", f"{one.validation:g}"]
    words += [] if one.patience is None else ["--patience", str(one.patience)]
    words += [] if one.root is None else ["--root", str(one.root)]
    return shlex.join(words)
