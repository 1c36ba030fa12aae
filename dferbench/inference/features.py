"""Features of the videos of a dataset, of a trained model or of what its method starts from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dferbench import stopping
from dferbench.errors import DataError
from dferbench.inference.tap import Tap, drawn_share, find_tap, per_video
from dferbench.models import Classifier
from dferbench.training.batches import Feed, Source
from dferbench.types import Video

if TYPE_CHECKING:
    from dferbench.experiment.plan import Split

PARTS = ("train", "test", "all")


@dataclass(frozen=True)
class Features:
    """Row by row: ids (N,), labels (N,) int64, the part of the split, and values (N, dim), or (N, T, dim) for
    frames, float32. `classes` name the labels, and `about` says what made the features."""

    ids: Sequence[str]
    labels: NDArray[np.int64]
    parts: Sequence[str]
    values: NDArray[np.float32]
    classes: Sequence[str]
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FeatureSource:
    """A model with what feeds it; `loaded` are the ids of its parameters that files gave."""

    model: Classifier
    classes: int
    feed: Feed
    loaded: set[int]
    batch: int


def extract(source: FeatureSource, split: Split, part: str, level: str) -> tuple[Features, Tap, float]:
    """The features of the videos of a part, in the split's order whatever reads them; where in the model they
    are; and which fraction of the parameters that they depend on was drawn at random.

    Raises UnknownName or ConfigError for a level that the model does not have, DataError if no video could be
    read or if a feature is not finite.
    """
    rows: list[tuple[str, int, str]] = []
    found: list[NDArray[np.float32]] = []
    tap, drawn = None, 0.0
    for name in ("train", "test") if part == "all" else (part,):
        videos: Sequence[Video] = getattr(split, name)
        with source.feed.open(videos) as opened:
            if tap is None:
                black = opened.black(2)
                tap = find_tap(source.model.eval(), black, level, source.classes)
                drawn = drawn_share(source.model, tap, black, source.loaded)
            for index, values in _batches(source, opened, tap, name):
                rows += [(videos[i].id, videos[i].label, name) for i in index]
                found.append(values)
    if not rows or tap is None:
        raise DataError("no video could be read", "dferbench data verify says what is wrong.")
    ids, labels, parts = zip(*rows, strict=True)
    classes = source.feed.plan.task.classes
    return Features(ids, np.array(labels, np.int64), parts, np.concatenate(found), classes), tap, drawn


def _batches(
    source: FeatureSource, opened: Source, tap: Tap, name: str
) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
    """Positions in the part and features, batch by batch."""
    feed, model = source.feed, source.model
    with torch.no_grad(), feed.progress.bar(name, len(opened)) as bar:
        for one in opened.batches(model, range(len(opened)), source.batch):
            stopping.check()
            with tap.open() as passed, feed.fabric.autocast():
                model(one.x)
            values: Tensor = per_video(model, passed, tap, len(one.index)).float().cpu()
            if not values.isfinite().all():
                bad = next(i for i, row in zip(one.index, values, strict=True) if not row.isfinite().all())
                raise DataError(
                    f"the feature of {opened.videos[bad].id} is not finite",
                    "Its training diverged, or the video is damaged: try another checkpoint, or look at the "
                    "video.",
                )
            yield one.index, values.numpy()
            bar.advance(len(one.index))
