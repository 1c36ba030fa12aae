"""`dferbench predict`: what a trained model says of any video."""

from __future__ import annotations

from contextlib import nullcontext
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
    FileClasses,
    FileMethod,
    FileSettings,
    FileWeights,
    Least,
    Margin,
    MostFar,
    MostJumps,
    Quiet,
)
from dferbench.errors import ConfigError

if TYPE_CHECKING:
    from dferbench.inference.prediction import PredictedVideos


def predict(  # noqa: PLR0913 - one parameter an option is how typer declares them
    context: typer.Context,
    checkpoint: Annotated[
        Path, typer.Option("--checkpoint", "-c", help="A run's checkpoint.safetensors, or an official file.")
    ],
    videos: Annotated[
        list[Path] | None,
        typer.Argument(help="Video files, pictures, folders of frames, or folders of either."),
    ] = None,
    camera: Annotated[
        str, typer.Option(help="Film with a camera instead: its number, such as 0, or its address.")
    ] = "",
    seconds: Annotated[float, typer.Option(min=0.1, max=600, help="How long the camera films.")] = 5.0,
    model: FileMethod = "",
    set_: FileSettings = None,
    classes: FileClasses = "",
    weights: FileWeights = None,
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
    _require_one(videos, camera)
    how = Following(every, least, margin, align, choose, most_jumps, most_far)

    from dferbench.cli.import_ import names
    from dferbench.inference.camera import called, filmed
    from dferbench.inference.predict import PredictionRequest
    from dferbench.interface.predict import TrainedModel, predicted, require_predicted
    from dferbench.interface.progress import make_progress
    from dferbench.registry.options import WEIGHTS, assignments

    sets, towers = assignments(set_ or []), assignments(weights or [], WEIGHTS)
    trained, progress = (
        TrainedModel(checkpoint, model, sets, names(classes), towers, device),
        make_progress(quiet),
    )
    with filmed(camera, seconds, progress.say) if camera else nullcontext(videos or []) as given:
        request = PredictionRequest(given, window, stride, finder, how, decoder)
        found = predicted(request, trained, context.obj, progress)
    found = called(found, f"camera {camera}") if camera else found
    _tell(found, plot, output, json_)
    require_predicted(found)
    return exit_codes.SOME_FAILED if found.failed else exit_codes.DONE


def _require_sense(window: int | None, plot: Path | None, output: Path | None) -> None:
    """Whatever can be wrong with the words alone, before anything is read. Raises ConfigError."""
    from dferbench.figures import save
    from dferbench.report.prediction import require_form

    if output:
        require_form(output)
    if plot and window is None:
        raise ConfigError("--plot needs predictions over time", "Add --window FRAMES.")
    if plot:
        save.require_form(plot)


def _require_one(videos: list[Path] | None, camera: str) -> None:
    if not videos and not camera:
        raise ConfigError(
            "there is nothing to predict", "Name a video, a picture or a folder, or add --camera 0."
        )
    if videos and camera:
        raise ConfigError(f"both {videos[0]} and --camera {camera} are given", "Leave one of them out.")


def _tell(found: PredictedVideos, plot: Path | None, output: Path | None, json_: bool) -> None:
    from dferbench.files import write_atomic
    from dferbench.report import prediction

    if output:
        write_atomic(output, prediction.FORMS[output.suffix.lower()](found))
    if plot:
        _draw(found, plot)
    typer.echo(prediction.as_json(found).rstrip() if json_ else prediction.table(found))


def _draw(found: PredictedVideos, plot: Path) -> None:
    """A timeline of each video."""
    from dferbench.figures import timeline
    from dferbench.figures.save import save
    from dferbench.figures.style import DOUBLE

    paths = _plots(plot, [one.video for one in found.predicted])
    for one, path in zip(found.predicted, paths, strict=True):
        save(timeline.draw(one, found.classes, DOUBLE), path)


def _plots(plot: Path, videos: list[str]) -> list[Path]:
    """One picture a video: `plot` itself, or with each video's name behind its own."""
    if len(videos) == 1:
        return [plot]
    names = [Path(video).stem for video in videos]
    unique = names if len(set(names)) == len(names) else [f"{i}-{name}" for i, name in enumerate(names, 1)]
    return [plot.with_name(f"{plot.stem}-{name}{plot.suffix}") for name in unique]
