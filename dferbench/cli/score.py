"""`dferbench score`: predictions of any other program become records, with dferbench's folds and metrics."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dferbench.cli.arguments import DatasetName, Folds, MetricNames, Output, Quiet, RankedBy, Root
from dferbench.cli.requests import request_of
from dferbench.files import json_text

if TYPE_CHECKING:
    from dferbench.experiment.metrics import Columns
    from dferbench.outside.score import Scored


def score(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    predictions: Annotated[
        Path,
        typer.Argument(help="File with a row a video: .csv, .tsv, .xlsx, .jsonl, .json, .parquet or .npz."),
    ],
    dataset: DatasetName,
    name: Annotated[str, typer.Option("--name", "-n", help="What the predictions are called in tables.")],
    fold: Folds = None,
    seed: Annotated[
        int, typer.Option("--seed", "-s", min=0, help="Seed the model was trained with, for the record.")
    ] = 0,
    scores: Annotated[str, typer.Option(help="What scores are: probabilities or logits.")] = "",
    codes: Annotated[
        str,
        typer.Option(
            help="What numbers stand for: '1=happiness, 2=sadness', or index for dferbench's order."
        ),
    ] = "",
    answers: Annotated[
        Path | None,
        typer.Option(help="For free answers: a TOML or CSV file with a word and a class on each line."),
    ] = None,
    missing: Annotated[
        str, typer.Option(help="Test videos without a prediction: refuse the file, or count them as wrong.")
    ] = "refuse",
    id_: Annotated[str, typer.Option("--id", help="The column of ids, if its name does not tell.")] = "",
    label: Annotated[
        str, typer.Option(help="The column of predicted labels, if its name does not tell.")
    ] = "",
    answer: Annotated[str, typer.Option(help="The column of free answers, likewise.")] = "",
    output: Output = Path("runs"),
    root: Root = None,
    force: Annotated[bool, typer.Option("--force", help="Replace predictions of the same name.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the records as one JSON object.")] = False,
    metrics: MetricNames = "uar,war",
    by: RankedBy = "",
    quiet: Quiet = False,
) -> None:
    """Score predictions that any other program made: ids with labels, scores or free answers."""
    asked = locals()
    from dferbench.experiment.metrics import columns, registered
    from dferbench.interface.progress import make_progress
    from dferbench.outside.account import Outside
    from dferbench.outside.columns import Wanted
    from dferbench.outside.score import score as scored

    shown = columns(metrics, by, registered(context.obj))
    request = request_of(asked, model=name, seeds=(seed,), skip_bad=True)
    outside = Outside(
        path=predictions,
        wanted=Wanted(id=id_, label=label, answer=answer, scores=scores, answers=answers is not None),
        codes=codes,
        answers=answers,
        missing=missing,
    )
    found = scored(outside, request, context.obj, make_progress(quiet))
    typer.echo(_json(found) if json_ else _text(found, shown))


def _json(found: Scored) -> str:
    dumped = [one.model_dump(by_alias=True) for one in found.records]
    return json_text({"schema": 1, "records": dumped, "folders": list(map(str, found.folders))})


def _text(found: Scored, shown: Columns) -> str:
    from dferbench.report.fitted import folded
    from dferbench.report.leaderboard import load, rows
    from dferbench.report.text import leaderboard

    records = load(found.folders[0].parent)[0]
    table = leaderboard(rows(records, "last", shown), "last", shown=shown)
    told = "\n".join(folded(line, "  ") for line in found.told)
    return "\n\n".join([told, table, "\n".join(map(str, found.folders))])
