"""The surest of a configuration's wrong answers as rows of frames: only where the user asks for faces."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dferbench.errors import DferbenchError
from dferbench.experiment.record import Record

if TYPE_CHECKING:
    from dferbench.pages.study import Configuration
    from dferbench.registry.catalog import Catalog
    from dferbench.types import Video

FRAMES = 6
"""Of each video, at even distances."""
QUALITY = 80
"""Of the JPEG images, 1 to 95."""


@dataclass(frozen=True)
class Faces:
    """How many mistakes of each configuration are shown, and where the videos of datasets lie by name, if
    not in the usual place."""

    most: int
    catalog: Catalog
    roots: Mapping[str, Path]


@dataclass(frozen=True)
class Mistake:
    """A video as frames next to each other, in an address that holds the image, and what was said of it."""

    image: str
    caption: str


@dataclass(frozen=True)
class _Wrong:
    sure: float
    run: Record
    video: str
    label: int
    said: int


def mistakes(one: Configuration, faces: Faces, told: list[str]) -> list[Mistake]:
    """The wrong answers of the highest probability after the last epoch, each video once; lines in `told`
    say of which runs or videos nothing can be shown, and why."""
    wrong = sorted(_wrong(one, told), key=lambda found: (-found.sure, found.video))
    worst = list({found.video: found for found in reversed(wrong)}.values())[::-1][: faces.most]
    shown: list[Mistake] = []
    for found in worst:
        try:
            shown.append(_shown(found, faces))
        except DferbenchError as error:
            told.append(f"No frames of {found.video}: {error}.")
    return shown


def _wrong(one: Configuration, told: list[str]) -> Iterator[_Wrong]:
    import numpy as np

    from dferbench.report.predictions import read_predictions
    from dferbench.statistics.calibration import log_probabilities

    for run in one.runs:
        try:
            found = read_predictions(run, Path(run.folder))
        except DferbenchError as error:
            told.append(f"No mistakes of fold {run.fold} seed {run.model_seed}: {error}.")
            continue
        sure = np.exp(log_probabilities(found.logits))
        for place, (label, said) in enumerate(zip(found.labels, found.logits.argmax(1), strict=True)):
            if label != said:
                yield _Wrong(float(sure[place, said]), run, found.ids[place], int(label), int(said))


def _shown(found: _Wrong, faces: Faces) -> Mistake:
    from dferbench.report.sheet import strip

    image, buffer = strip(_video(found, faces), FRAMES), io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    classes = found.run.classes
    return Mistake(
        f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}",
        f"{found.video}: {classes[found.label]}, taken for {classes[found.said]} ({100 * found.sure:.0f} %)",
    )


def _video(found: _Wrong, faces: Faces) -> Video:
    """Raises DataError if the dataset, or the video in it, is not there."""
    from dferbench.data.packs.dataset import dataset_at
    from dferbench.errors import DataError
    from dferbench.places import root_of
    from dferbench.registry.datasets import make_dataset, written

    chosen = make_dataset(written(found.run.dataset, found.run.dataset_given), faces.catalog)
    root = root_of(chosen.entry.name, chosen.dataset, faces.roots.get(chosen.entry.name))
    for video in dataset_at(chosen, root).videos(root, found.run.fold, "test"):
        if video.id == found.video:
            return video
    raise DataError(f"{root} has no test video {found.video}", "Name the root that the run used: --root.")
