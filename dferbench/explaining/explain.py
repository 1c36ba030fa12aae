"""Explaining one answer of a trained model."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from dferbench.checkpoints.restore import Opened
from dferbench.data.decoders import choose_decoder
from dferbench.data.normalize import to_float
from dferbench.data.pipeline import make_sampler
from dferbench.errors import ConfigError, DataError, UnknownName
from dferbench.explaining.explanation import OCCLUSION, ROLLOUT, Explanation, Heat
from dferbench.explaining.occlusion import Logits, occluded
from dferbench.explaining.rollout import SeenAttention, layers_of, rolled_out
from dferbench.face_crops.follow import follow
from dferbench.face_crops.look import make_finder
from dferbench.face_crops.track import Following
from dferbench.inference.windows import ClipSampler, Piece, whole
from dferbench.registry.catalog import Catalog

if TYPE_CHECKING:
    from lightning_fabric import Fabric

METHODS = ("auto", "attention", "occlusion")


@dataclass(frozen=True)
class ExplanationRequest:
    """Which video is explained, for which class ("" for the likeliest), by which of METHODS, and in how many
    patches a side occlusion covers it."""

    video: Path
    class_name: str = ""
    by: str = "auto"
    grid: int = 7
    finder: str = "none"
    how: Following = field(default_factory=Following)
    decoder: str = "auto"


def explain(request: ExplanationRequest, opened: Opened, catalog: Catalog, fabric: Fabric) -> Explanation:
    """What the model's answer on one video depends on. The same on every call.

    Raises UnknownName or ConfigError for a class or method that is not there, VideoError for a video that
    cannot be read, and DataError if the logits are not finite.
    """
    if request.by not in METHODS:
        raise UnknownName("method of explanation", request.by, METHODS)
    if request.class_name and request.class_name not in opened.classes:
        raise UnknownName("class", request.class_name, opened.classes)
    if len(opened.classes) < 2:
        raise ConfigError(
            "the model knows one class, and says it of every video", "There is nothing to explain."
        )
    piece = _read(request, opened, catalog)
    video = to_float(torch.from_numpy(piece.frames)[None], opened.input.normalize, fabric.device)
    model = opened.model

    def logits(videos: Tensor) -> Tensor:
        with torch.no_grad(), fabric.autocast():
            said: Tensor = model(model.encode(videos))
        if not said.isfinite().all():
            raise DataError("the logits are not finite", "Its training diverged: use another checkpoint.")
        return said

    probabilities = logits(video).double().softmax(1)[0].tolist()
    likeliest = max(range(len(probabilities)), key=lambda i: probabilities[i])
    chosen = opened.classes.index(request.class_name) if request.class_name else likeliest
    by, why, heat = _heat(request, logits, video, chosen)
    return Explanation(
        str(request.video), piece.frames, piece.numbers, opened.classes, probabilities,
        opened.classes[chosen], by, why, heat, opened.facts,
    )  # fmt: skip


def _read(request: ExplanationRequest, opened: Opened, catalog: Catalog) -> Piece:
    input, path = opened.input, str(request.video)
    assert isinstance(input.size, int)
    if not request.video.exists():
        raise DataError(f"there is no video {path}", "Check its path.")
    eye = ClipSampler(make_sampler(input, catalog), input.frames, input.size, input.resize, input.order)
    finder = make_finder(request.finder, catalog)
    decoder = choose_decoder(request.decoder, catalog.builds("decoders")).in_order(input.order)
    track = follow(path, request.video.name, finder, request.how, input.order) if finder else None
    return whole(path, eye, decoder, track)


def _heat(request: ExplanationRequest, logits: Logits, video: Tensor, chosen: int) -> tuple[str, str, Heat]:
    """The method, why that one, and the heat. Raises ConfigError if attention is asked for and not there."""
    frames = video.shape[1]
    if request.by == "occlusion":
        return OCCLUSION, "asked for", occluded(logits, video, chosen, request.grid)
    if request.class_name and request.by == "attention":
        raise ConfigError(
            "attention is the same whichever class is asked about, got --class " + request.class_name,
            "Leave --class or --by attention out.",
        )
    if request.class_name:
        why = "a class was asked for, and attention is the same for all classes"
        return OCCLUSION, why, occluded(logits, video, chosen, request.grid)
    seen = SeenAttention()
    with seen:
        logits(video)
    layers = layers_of(seen, frames)
    if not isinstance(layers, str):
        return ROLLOUT, "the model attends over places and over frames", rolled_out(layers, frames)
    if request.by == "attention":
        raise ConfigError(f"attention cannot be rolled out here: {layers}", "Use --by occlusion.")
    return OCCLUSION, layers, occluded(logits, video, chosen, request.grid)
