"""Predicting videos that belong to no dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from dferbench import stopping
from dferbench.checkpoints.restore import Opened
from dferbench.data.decoders import Decoder, choose_decoder, is_still
from dferbench.data.normalize import to_float
from dferbench.data.pipeline import make_sampler
from dferbench.errors import ConfigError, DataError, VideoError
from dferbench.face_crops.follow import follow
from dferbench.face_crops.look import make_finder
from dferbench.face_crops.track import Following, Track
from dferbench.face_crops.tree import Found, find_videos, printable
from dferbench.inference.prediction import Failed, PredictedVideos, Prediction, SeenFace, Span
from dferbench.inference.windows import ClipSampler, Piece, sliding, whole
from dferbench.progress import Progress
from dferbench.registry.catalog import Catalog
from dferbench.training.batches import encode
from dferbench.training.room import ELSEWHERE, room_for

if TYPE_CHECKING:
    from lightning_fabric import Fabric

BATCH = 8
"""Windows that are predicted at a time."""


@dataclass(frozen=True)
class PredictionRequest:
    """Which videos are wanted and how they are cut: `window` and `stride` in frames, or the whole of each."""

    videos: Sequence[Path]
    window: int | None = None
    stride: int | None = None
    finder: str = "none"
    how: Following = field(default_factory=Following)
    decoder: str = "auto"


def predict_videos(
    request: PredictionRequest, opened: Opened, catalog: Catalog, fabric: Fabric, progress: Progress
) -> PredictedVideos:
    """The probabilities of every video that can be read; the others are named.

    Raises ConfigError for a stride without a window and for a face finder or decoder that cannot be built,
    and DataError if the model's logits are not finite.
    """
    seer = _Seer(request, opened, catalog, fabric)
    found, failed = _found(request.videos)
    predicted: list[Prediction] = []
    with progress.bar("predict", len(found)) as bar:
        for one in found:
            stopping.check()
            try:
                predicted.append(seer.predict(one))
            except VideoError as error:
                failed.append(Failed(printable(one.path), error.reason))
            bar.advance()
    settings = {"finder": request.finder, "window": request.window, "stride": seer.stride}
    if seer.finder is not None:
        settings |= asdict(request.how)
    return PredictedVideos(opened.classes, predicted, failed, opened.facts, settings)


def _found(paths: Sequence[Path]) -> tuple[list[Found], list[Failed]]:
    """The videos at and below the paths, each once, and what is wrong with the others."""
    found: dict[Path, Found] = {}
    failed: list[Failed] = []
    for path in paths:
        try:
            below = find_videos(path)
        except DataError as error:
            failed.append(Failed(printable(path), error.message))
            continue
        found |= {one.path: one for one in below if not one.fault}
        failed += [Failed(printable(one.path), one.fault) for one in below if one.fault]
    return list(found.values()), failed


class _Seer:
    """A model with everything that stands between a file and its input."""

    def __init__(self, request: PredictionRequest, opened: Opened, catalog: Catalog, fabric: Fabric) -> None:
        if request.stride is not None and request.window is None:
            raise ConfigError("--stride is given without --window", "Add --window FRAMES.")
        input = opened.input
        assert isinstance(input.size, int)
        self.request, self.opened, self.fabric = request, opened, fabric
        sampler = make_sampler(input, catalog)
        self.eye = ClipSampler(sampler, input.frames, input.size, input.resize, input.order)
        self.finder = make_finder(request.finder, catalog)
        readers = catalog.builds("decoders")
        self.decoder: Decoder = choose_decoder(request.decoder, readers).in_order(input.order)
        self.stride = request.stride or (max(1, request.window // 2) if request.window else None)

    def predict(self, one: Found) -> Prediction:
        """Raises VideoError."""
        path = str(one.path)
        how, order = self.request.how, self.eye.order
        track = follow(path, one.id, self.finder, how, order) if self.finder else None
        spans: list[Span] = []
        pieces = iter(self._pieces(path, track))
        while batch := list(islice(pieces, BATCH)):
            spans += map(_span, batch, self._probabilities(batch))
        still = self.eye.frames if is_still(path) else 0
        return Prediction(path, spans[-1].last + 1, tuple(spans), _seen(track), still)

    def _pieces(self, path: str, track: Track | None) -> Iterator[Piece]:
        if self.request.window is None or self.stride is None:
            yield whole(path, self.eye, self.decoder, track)
        else:
            yield from sliding(path, self.eye, track, self.request.window, self.stride)

    def _probabilities(self, pieces: Sequence[Piece]) -> list[tuple[float, ...]]:
        model, frames = self.opened.model, torch.from_numpy(np.stack([piece.frames for piece in pieces]))
        video = to_float(frames, self.opened.input.normalize, self.fabric.device)

        def once(windows: int) -> Tensor:
            with torch.no_grad(), self.fabric.autocast():
                said: Tensor = model(encode(model, video[:windows], self.fabric))
            return said

        with room_for(len(pieces), self.fabric.device, once, ELSEWHERE):
            logits = once(len(pieces))
        if not logits.isfinite().all():
            raise DataError("the logits are not finite", "Its training diverged: use another checkpoint.")
        return [tuple(row) for row in logits.double().softmax(1).cpu().tolist()]


def _span(piece: Piece, probabilities: tuple[float, ...]) -> Span:
    return Span(piece.first, piece.last, piece.start, piece.end, probabilities)


def _seen(track: Track | None) -> SeenFace | None:
    if track is None:
        return None
    return SeenFace(track.looked, track.found, track.jumps, round(track.far, 4), track.doubt)
