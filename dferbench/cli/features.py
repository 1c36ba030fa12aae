"""`dferbench features`: the features of a dataset's videos as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dferbench.cli.arguments import (
    DatasetName,
    DecoderName,
    Device,
    Limit,
    Quiet,
    Root,
    SkipBad,
    Workers,
)
from dferbench.cli.complete import method_names
from dferbench.cli.requests import request_of
from dferbench.errors import ConfigError
from dferbench.files import json_text

if TYPE_CHECKING:
    from dferbench.inference.features import Features


def features(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    dataset: DatasetName,
    features_file: Annotated[
        Path, typer.Option("--output", "-o", help="The file: a .npz, or a .parquet for data frames.")
    ],
    model: Annotated[
        str,
        typer.Option("--model", "-m", help="Method, as it is before training.", autocompletion=method_names),
    ] = "",
    checkpoint: Annotated[
        Path | None,
        typer.Option("--checkpoint", "-c", help="A trained model: a run's checkpoint, or an official file."),
    ] = None,
    level: Annotated[
        str, typer.Option(help="video: one feature a video; frame: one for each frame that is shown.")
    ] = "video",
    part: Annotated[str, typer.Option(help="Videos of the fold: train, test or all.")] = "test",
    fold: Annotated[
        str | None,
        typer.Option("--fold", "-f", help="The fold. Default: the checkpoint's, else the first."),
    ] = None,
    seed: Annotated[str, typer.Option("--seed", "-s", help="Random seed of what no file gives.")] = "0",
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Method option or input: NAME=VALUE.")
    ] = None,
    root: Root = None,
    weights: Annotated[list[str] | None, typer.Option(help="Backbone weights: NAME=FILE.")] = None,
    limit: Limit = None,
    device: Device = "auto",
    workers: Workers = "auto",
    decoder: DecoderName = "auto",
    skip_bad: SkipBad = False,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    quiet: Quiet = False,
) -> None:
    """Write the features of videos, with ids and labels, to a file that says what made them."""
    request = request_of(locals())

    from dferbench.checkpoints.read import read_checkpoint
    from dferbench.inference.feature_file import require_form, write_features
    from dferbench.interface.progress import make_progress
    from dferbench.runner.features import features as extracted

    if not model and checkpoint is None:
        raise ConfigError("nothing says which model gives the features", "Add -m METHOD or -c CHECKPOINT.")
    require_form(features_file)
    read = None
    if checkpoint is not None:
        read = read_checkpoint(checkpoint, context.obj, model=model, sets=request.sets)
    found = extracted(request, read, part, level, context.obj, make_progress(quiet))
    write_features(found, features_file)
    shape = list(found.values.shape)
    told = {"file": str(features_file), "shape": shape, **found.about}
    typer.echo(json_text(told) if json_ else "\n".join(_lines(found, features_file)))


def _lines(found: Features, path: Path) -> list[str]:
    """What was written, for people."""
    from dferbench.report.caveats import meaning
    from dferbench.runner.features import UNTRAINED

    about = found.about
    shape = " x ".join(map(str, found.values.shape))
    made = "trained" if about["trained"] else "before training"
    notes = [meaning(caveat) for caveat in about["caveats"]]
    if about[UNTRAINED]:
        notes.append(f"{about[UNTRAINED]:.0%} of the parameters behind these features are random")
    notes += [f"the weights of {name} are random" for name in about["random backbones"]]
    if about["drawn data"]:
        notes.append("the videos are drawn by a program: they show no people")
    if about["skipped"]:
        notes.append(f"{len(about['skipped'])} unreadable videos are left out")
    return [
        f"{path}: {shape}, {about['level']} features of {about['dataset']}, fold {about['fold']}, "
        f"{about['part']}",
        f"by {about['method']}, {made}: {about['taken at']}",
        *(f"* {note}" for note in notes),
    ]
