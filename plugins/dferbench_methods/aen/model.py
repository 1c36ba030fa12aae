"""The network: frames at three depths, each with its transformer over time, joined from the deepest down."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dferbench import ConfigError, Task
from dferbench.models import Batch, Classifier, ClsTransformer, frame_features
from dferbench_methods.aen.groups import Grouping
from dferbench_methods.aen.loss import (
    EMOTION,
    SENTIMENT,
    clips_follow_frames,
    emotion,
    outputs_follow_frames,
    sentiment,
)
from dferbench_methods.aen.method import AenOptions
from dferbench_methods.aen.names import CLASSIFIER, in_file, with_still
from dferbench_methods.layers.resnet2d import ResNet2d
from dferbench_methods.layers.start import start_from

DEPTHS = (2, 1, 2, 2)
"""Blocks a stage: one fewer in the second than ResNet-18 has."""
STILL = "still"
"""The stage that teaches the 2D model."""


@dataclass(frozen=True)
class EncodedBatch:
    """Per level 0, 1 and 3: frame vectors (B, T, d) and clip vectors (B, d); and the logits of three heads,
    `z0` (B, C) of the deepest vector, `z1` (B, G) and `z3` (B, C) of the fused ones."""

    frames: tuple[Tensor, Tensor, Tensor]
    clips: tuple[Tensor, Tensor, Tensor]
    z0: Tensor
    z1: Tensor
    z3: Tensor


def join(query: Tensor, key: Tensor) -> Tensor:
    """Channel-wise attention of two vectors, (B, d) and (B, d) -> (B, d).

    Every channel of one meets every channel of the other. The softmax runs over the query's channels and the
    sum over the key's, as in the released code.
    """
    products = query[:, :, None] * key[:, None, :] / math.sqrt(key.shape[1])
    return (products.softmax(1) @ key[:, :, None])[:, :, 0]


def tap(channels: int, kept: int) -> nn.Sequential:
    """A map (N, channels, h, w) -> a vector (N, kept h w), by two linear maps of channels."""
    return nn.Sequential(nn.Conv2d(channels, channels, 1), nn.Conv2d(channels, kept, 1), nn.Flatten())


class Still(nn.Module):
    """The 2D model: images (N, 3, H, W) -> logits (N, C), from stage 3 of the trunk."""

    def __init__(self, dim: int, classes: int, width: int) -> None:
        super().__init__()
        self.trunk = ResNet2d(depths=DEPTHS[:3], width=width)
        self.tap3 = tap(4 * width, 16)
        self.head = nn.Linear(dim, classes)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, C)."""
        logits: Tensor = self.head(self.tap3(self.trunk.stages(self.trunk.stem(images), 1, 3)))
        return logits


class Aen(Classifier):
    """AEN, of the options in `AenOptions`.

    Raises ConfigError for frames whose side 16 does not divide and for classes of unknown sentiment,
    DataError for weights that do not fit.
    """

    def __init__(self, task: Task, parts: Any, **options: Any) -> None:
        super().__init__()
        given = AenOptions(**options)
        _require(task)
        width, depth = given.width, given.depth
        classes, deep, dim = len(task.classes), 8 * width, (task.size // 4) ** 2
        self.beta, self.guides = given.beta, (given.clips, given.outputs)
        self.grouping = Grouping(task.classes)
        self.trunk = ResNet2d(depths=DEPTHS, width=width)
        self.tap1, self.tap3 = tap(width, 1), tap(4 * width, 16)
        self.time0, self.time1, self.time3 = (
            ClsTransformer(d, task.frames, depth, mlp_ratio=16 * width / d) for d in (deep, dim, dim)
        )
        self.residual, self.query1 = nn.Linear(deep, dim), nn.Linear(deep, dim)
        self.out1, self.query3, self.out3 = (nn.Linear(dim, dim) for _ in range(3))
        self.head0, self.head1 = nn.Linear(deep, classes), nn.Linear(dim, len(self.grouping.names))
        self.head3 = nn.Linear(dim, classes)
        self.still = Still(dim, classes, width)
        groups = dict(zip(task.classes, self.grouping.groups, strict=True))
        started = start_from(self, given.weights, in_file, CLASSIFIER, with_still)
        self.notes = {**started, "groups": groups}

    def frame(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, 3, H, W) -> vectors of the levels 0, 1 and 3: (N, 8 width), (N, dim) and (N, dim)."""
        low = self.trunk.stages(self.trunk.stem(images), 1, 1)
        high = self.trunk.stages(low, 2, 3)
        return self.trunk.stages(high, 4, 4).mean((2, 3)), self.tap1(low), self.tap3(high)

    def see(self, video: Tensor) -> EncodedBatch:
        """Everything that prediction and loss look at, of (B, T, 3, H, W)."""
        x0, x1, x3 = (x.reshape(*video.shape[:2], -1) for x in self.frame(video.flatten(0, 1)))
        c0, c1, c3 = self.time0(x0), self.time1(x1), self.time3(x3)
        f1 = self.out1(join(self.query1(c0), c1)) + self.residual(c0)
        f3 = self.out3(join(self.query3(f1), c3)) + f1
        return EncodedBatch((x0, x1, x3), (c0, c1, c3), self.head0(c0), self.head1(f1), self.head3(f3))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, 3, H, W) -> (B, C): the log-probabilities of two heads, mixed."""
        seen = self.see(x)
        return self.beta * seen.z0.log_softmax(1) + (1 - self.beta) * seen.z3.log_softmax(1)

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """First cross-entropy of the 2D model on single frames; then four terms, with that model frozen."""
        if batch.stage == STILL:
            frames = batch.label.repeat_interleave(batch.x.shape[1])
            return {"still": F.cross_entropy(self.still(batch.x.flatten(0, 1)), frames)}
        if batch.epoch == 0:
            self.inherit()
        return self._terms(self.see(batch.x), self.scores(batch.x), batch.label)

    @torch.no_grad()
    def inherit(self) -> None:
        """Give the trunk and its third level what the 2D model has learned, as training begins."""
        own = self.state_dict()
        for name, tensor in self.still.state_dict().items():
            if not name.startswith("head."):
                own[name].copy_(tensor)

    @torch.no_grad()
    def scores(self, video: Tensor) -> Tensor:
        """What the frozen 2D model says of each frame: (B, T, 3, H, W) -> (B, T, C)."""
        return frame_features(self.still.eval(), video)

    def _terms(self, seen: EncodedBatch, scores: Tensor, label: Tensor) -> dict[str, Tensor]:
        clips, outputs = self.guides
        follow = outputs_follow_frames(seen.z1, seen.z3, scores, self.grouping)
        return {
            "sentiment": SENTIMENT * sentiment(seen.z0, seen.z1, label, self.grouping),
            "emotion": EMOTION * emotion(seen.z0, seen.z3, label),
            "clips": clips * clips_follow_frames(seen.clips, seen.frames, scores, label),
            "outputs": outputs * follow,
        }


def _require(task: Task) -> None:
    if task.size % 16 or task.size < 16:
        raise ConfigError(
            f"aen compares features whose lengths differ at {task.size} x {task.size} pixels",
            "Use --set input.size=112, or another multiple of 16.",
        )
