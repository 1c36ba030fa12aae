"""`dferbench.predict`: what a trained model says of any video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dferbench.data.ranges import require_count
from dferbench.errors import DataError
from dferbench.files import expand
from dferbench.interface.progress import progress_of
from dferbench.interface.words import AnyPath, Settings, catalog_of, classes_of, settings_of

if TYPE_CHECKING:
    from dferbench.inference.predict import PredictionRequest
    from dferbench.inference.prediction import PredictedVideos
    from dferbench.progress import Progress
    from dferbench.registry.catalog import Catalog


@dataclass(frozen=True)
class TrainedModel:
    """A checkpoint, what it does not say of itself, and where it computes."""

    checkpoint: Path
    method: str = ""
    sets: Mapping[str, str] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    weights: Mapping[str, str] = field(default_factory=dict)
    device: str = "auto"


def predict(  # noqa: PLR0913 - the words of the verb
    videos: AnyPath | Sequence[AnyPath],
    checkpoint: AnyPath,
    *,
    method: str = "",
    settings: Settings | None = None,
    classes: Sequence[str] = (),
    weights: Mapping[str, str] | None = None,
    finder: str = "none",
    margin: float = 0.3,
    every: int = 5,
    least: float = 0.5,
    align: bool = False,
    choose: str = "largest",
    most_jumps: float = 0.5,
    most_far: float = 0.5,
    window: int | None = None,
    stride: int | None = None,
    device: str = "auto",
    decoder: str = "auto",
    plugins: Sequence[AnyPath] = (),
    progress: bool | Progress = True,
) -> PredictedVideos:
    """Predict the expression in any video, as `dferbench predict` does.

    A prediction is not a fact about a person: it estimates which label the annotators of the training data
    would have given, and is less reliable for faces, cameras and acting unlike those data.

    Args:
        videos: Video files, folders of frames, or folders of either; one or several.
        checkpoint: The folder of a run, its checkpoint.safetensors, or a file that the authors' code saved.
        method: If the file does not state it.
        settings: Options of the method that the file does not state.
        classes: Names in the order of the logits, if the file does not state them.
        weights: Per backbone the file of its weights.
        finder: Crop the face first: "haar", "yunet", "center", ... (`dferbench list face-finders`).
        margin: Around the face, as a fraction of its size, in [0, 10].
        every: The face is looked for in every so many frames, from 1 on.
        least: In so large a share of them it must be found, in [0, 1].
        align: Rotate frames so that the eyes are level, where eyes are found.
        choose: Which of several faces is followed: "largest", "most-central" or "longest-track".
        most_jumps: The largest share of looks at which the crop may jump, in [0, 1].
        most_far: The largest share of frames far from any detection, in [0, 1].
        window: Predict over sliding windows of so many frames, from 1 on. None: over the whole video.
        stride: Frames between windows, from 1 on. None: half a window.
        device: As for `run`.
        decoder: As for `run`.
        plugins: Python files to load as plugins.
        progress: As for `run`.

    Returns:
        `classes`; `predicted`, of each video its `probabilities` in the order of the classes, in [0, 1], and
        its `spans`, one a window; `failed`, the videos that could not be read, and why.

    Raises:
        ConfigError: An argument is not valid.
        UnknownName: There is no such method, face finder or decoder.
        DataError: The checkpoint cannot be read, or none of the videos can be.
    """
    from dferbench.face_crops.track import Following
    from dferbench.inference.predict import PredictionRequest

    given = [videos] if isinstance(videos, str | Path) else videos
    model = TrainedModel(
        expand(checkpoint), method, settings_of(settings), classes_of(classes), dict(weights or {}), device
    )
    for what, number in (("window", window), ("stride", stride)):
        if number is not None:
            require_count(what, number)
    how = Following(every, least, margin, align, choose, most_jumps, most_far)
    request = PredictionRequest([expand(path) for path in given], window, stride, finder, how, decoder)
    found = predicted(request, model, catalog_of(plugins), progress_of(progress))
    require_predicted(found)
    return found


def predicted(
    request: PredictionRequest, model: TrainedModel, catalog: Catalog, progress: Progress
) -> PredictedVideos:
    """What the model says of each video that can be read; the others are named. Raises as `predict`."""
    from dferbench.checkpoints.official import Said
    from dferbench.checkpoints.read import read_checkpoint
    from dferbench.checkpoints.restore import restore
    from dferbench.inference.predict import predict_videos
    from dferbench.machine.device import make_fabric, precision_for_tests

    said = Said(classes=model.classes)
    read = read_checkpoint(model.checkpoint, catalog, model=model.method, sets=model.sets, said=said)
    precision = precision_for_tests(model.device, read.recipe.precision)
    if precision != read.recipe.precision:
        progress.say(f"precision: {precision}, for this device has no {read.recipe.precision}")
    fabric = make_fabric(model.device, precision, read.recipe.compute)
    opened = restore(read, catalog, fabric, model.weights)
    return predict_videos(request, opened, catalog, fabric, progress)


def require_predicted(found: PredictedVideos) -> None:
    """Raise DataError if none of the videos could be read."""
    if found.predicted:
        return
    if not found.failed:
        raise DataError("no video is given", "Name video files, folders of frames, or folders of either.")
    first = found.failed[0]
    named = first.reason if first.video in first.reason else f"{first.video}: {first.reason}"
    raise DataError(
        f"none of {len(found.failed)} videos could be read; the first: {named}",
        "Name video files, folders of frames, or folders of either."
        if found.settings["finder"] == "none"
        else "If there are faces, try another --finder, a smaller --least or a larger --most-jumps.",
    )
