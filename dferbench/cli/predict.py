"""`dferbench predict`: what a trained model says of any video."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dferbench import exit_codes
from dferbench.cli.arguments import (
    FINDERS,
    Align,
    Choose,
    DecoderName,
    Device,
    Every,
    Least,
    Margin,
    MostFar,
    MostJumps,
    Quiet,
)
from dferbench.cli.complete import method_names
from dferbench.errors import ConfigError, DataError

if TYPE_CHECKING:
    from dferbench.inference.prediction import PredictedVideos


def predict(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    videos: Annotated[
        list[Path], typer.Argument(help="Video files, folders of frames, or folders of either.")
    ],
    checkpoint: Annotated[
        Path, typer.Option("--checkpoint", "-c", help="A run's checkpoint.safetensors, or an official file.")
    ],
    model: Annotated[
        str,
        typer.Option(
            "--model", "-m", help="Method, if the file does not state it.", autocompletion=method_names
        ),
    ] = "",
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Method option that the file does not state.")
    ] = None,
    classes: Annotated[
        str,
        typer.Option(help="Class names in the order of the logits, if the file does not state them: a,b,c."),
    ] = "",
    weights: Annotated[list[str] | None, typer.Option(help="Backbone weights: NAME=FILE.")] = None,
    finder: Annotated[str, typer.Option(help=f"Crop the face first: {FINDERS}.")] = "none",
    margin: Margin = 0.3,
    every: Every = 5,
    least: Least = 0.5,
    align: Align = False,
    choose: Choose = "largest",
    most_jumps: MostJumps = 0.5,
    most_far: MostFar = 0.5,
    window: Annotated[
        int | None, typer.Option(min=1, help="Predict over sliding windows of N frames.")
    ] = None,
    stride: Annotated[
        int | None, typer.Option(min=1, help="Frames between windows. Default: half a window.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Plot the predictions of each video over time: a .png, .pdf or .svg.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write all predictions to a .json or .csv file.")
    ] = None,
    device: Device = "auto",
    decoder: DecoderName = "auto",
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    quiet: Quiet = False,
) -> int:
    """Predict the expression in any video: class probabilities for the whole video or over time.

    A prediction is not a fact about a person: it estimates which label the annotators of the training data
    would have given, and is less reliable for faces, cameras and acting unlike those data.
    """
    from dferbench.face_crops.track import Following

    _require_sense(window, plot, output)
    how = Following(every, least, margin, align, choose, most_jumps, most_far)

    from dferbench.checkpoints.official import Said
    from dferbench.checkpoints.read import read_checkpoint
    from dferbench.checkpoints.restore import restore
    from dferbench.cli.import_ import names
    from dferbench.cli.progress import make_progress
    from dferbench.inference.predict import PredictionRequest, predict_videos
    from dferbench.machine.device import make_fabric, precision_for_tests
    from dferbench.registry.options import WEIGHTS, assignments

    said = Said(classes=names(classes))
    read = read_checkpoint(checkpoint, context.obj, model=model, sets=assignments(set_ or []), said=said)
    precision, progress = precision_for_tests(device, read.recipe.precision), make_progress(quiet)
    if precision != read.recipe.precision:
        progress.say(f"precision: {precision}, for this device has no {read.recipe.precision}")
    fabric = make_fabric(device, precision, read.recipe.compute)
    opened = restore(read, context.obj, fabric, assignments(weights or [], WEIGHTS))
    request = PredictionRequest(videos, window, stride, finder, how, decoder)
    found = predict_videos(request, opened, context.obj, fabric, progress)
    _tell(found, plot, output, json_)
    if not found.predicted:
        first = found.failed[0]
        named = first.reason if first.video in first.reason else f"{first.video}: {first.reason}"
        raise DataError(
            f"none of {len(found.failed)} videos could be read; the first: {named}",
            "Name video files, folders of frames, or folders of either."
            if finder == "none"
            else "If there are faces, try another --finder, or a smaller --least.",
        )
    return exit_codes.SOME_FAILED if found.failed else exit_codes.DONE


def _require_sense(window: int | None, plot: Path | None, output: Path | None) -> None:
    """Whatever can be wrong with the words alone, before anything is read. Raises ConfigError."""
    from dferbench.report.prediction import require_form
    from dferbench.report.timeline import FORMATS

    if output:
        require_form(output)
    if plot and window is None:
        raise ConfigError("--plot needs predictions over time", "Add --window FRAMES.")
    if plot and plot.suffix.lower() not in FORMATS:
        raise ConfigError(f"--plot {plot} is none of {', '.join(FORMATS)}", "Choose one of these endings.")


def _tell(found: PredictedVideos, plot: Path | None, output: Path | None, json_: bool) -> None:
    from dferbench.files import write_atomic
    from dferbench.report import prediction
    from dferbench.report.timeline import timeline

    if output:
        write_atomic(output, prediction.FORMS[output.suffix.lower()](found))
    if plot:
        for one, path in zip(
            found.predicted, _plots(plot, [one.video for one in found.predicted]), strict=True
        ):
            timeline(one, found.classes, path)
    typer.echo(prediction.as_json(found).rstrip() if json_ else prediction.table(found))


def _plots(plot: Path, videos: list[str]) -> list[Path]:
    """One picture a video: `plot` itself, or with each video's name behind its own."""
    if len(videos) == 1:
        return [plot]
    names = [Path(video).stem for video in videos]
    unique = names if len(set(names)) == len(names) else [f"{i}-{name}" for i, name in enumerate(names, 1)]
    return [plot.with_name(f"{plot.stem}-{name}{plot.suffix}") for name in unique]
