"""The network: a frozen image model that prompts and adapters fit to videos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dferbench import ConfigError, Task
from dferbench.models import Batch, WindowClassifier
from dferbench_methods.layers.initial import STD, draw_linear
from dferbench_methods.layers.mix import Mix
from dferbench_methods.s2d import S2dOptions
from dferbench_methods.s2d.landmark import CHANNELS, SIDE, Landmark, read_landmark
from dferbench_methods.s2d.prompt import HEADS, NARROWER, Prompt
from dferbench_methods.s2d.start import start
from dferbench_methods.s2d.vit import EPS, VisionTransformer


@dataclass(frozen=True)
class Shape:
    """The sizes of a network: `width` of a token, `hidden` channels of a prompt, `patch` in pixels."""

    width: int = 768
    depth: int = 12
    heads: int = 12
    patch: int = 16
    hidden: int = 8


class S2d(WindowClassifier):
    """Before block i, the tokens of a frame get a prompt, which is the side input of the next, and what each
    place attends to along the frames; the class tokens behind the last block, averaged over the frames,
    decide.

    The frames are those of the task, or several windows of as many. The side input of the first prompt is the
    map of a landmark network, or of zeros without `landmark`. Raises ConfigError for sizes that do not fit
    together, DataError for files that do not fit.
    """

    def __init__(
        self,
        task: Task,
        shape: Shape,
        mix: Mix,
        dropout: float = 0.0,
        zero_init: bool = False,
        landmark: str = "",
        weights: str = "",
    ) -> None:
        super().__init__(task.frames)
        side = _require_fit(task, shape, landmark)
        self.vit = VisionTransformer(shape.width, shape.depth, shape.heads, shape.patch, side)
        self.temporal = nn.Parameter(nn.init.trunc_normal_(torch.empty(1, task.frames, shape.width), std=STD))
        self.side = nn.Conv2d(CHANNELS, shape.width, 1)
        self.prompts = nn.ModuleList(
            Prompt(shape.width, shape.hidden, task.frames, zero_init) for _ in range(shape.depth)
        )
        norms = [nn.LayerNorm(shape.width, EPS) for _ in range(shape.depth)]
        # Blocks 0 and 1 share a norm. The one that this leaves over is in files of the released code.
        self.norms = nn.ModuleList(norms[: max(shape.depth - 1, 1)])
        self.spare = nn.ModuleDict({str(n): norms[n] for n in range(len(self.norms), shape.depth)})
        self.norm = nn.LayerNorm(shape.width, EPS)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(shape.width, len(task.classes))
        draw_linear(self.head)
        self.mix, self.grid = mix, side
        self.notes = start(self, weights)
        self.landmark: Landmark | None = None
        if landmark:
            self.landmark, said = read_landmark(landmark)
            self.notes = {**self.notes, "landmark": said}

    def landmarks(self, frames: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, 128, side, side): zeros without a landmark network."""
        if self.landmark is not None:
            seen: Tensor = self.landmark(frames)
            return seen
        return frames.new_zeros(frames.shape[0], CHANNELS, self.grid, self.grid)

    def score(self, x: Tensor) -> Tensor:
        """(B, T, 3, size, size) -> logits (B, C) of one window."""
        frames = x.flatten(0, 1)
        side = self.side(self.landmarks(frames)).flatten(2).transpose(1, 2)
        patches, side = self.prompted(0, self.vit.patches(frames), side)
        tokens: Tensor = self.vit.placed(patches)
        videos = tokens.reshape(*x.shape[:2], *tokens.shape[1:]) + self.temporal[:, :, None]
        tokens = self.vit.blocks[0](videos.flatten(0, 1))
        for number, block in enumerate(self.vit.blocks[1:], 1):
            patches, side = self.prompted(number, tokens[:, 1:], side)
            tokens = block(torch.cat([tokens[:, :1], patches], 1))
        seen: Tensor = self.norm(tokens[:, 0])
        seen = seen.reshape(*x.shape[:2], -1).mean(1)
        logits: Tensor = self.head(self.dropout(seen))
        return logits

    def prompted(self, number: int, patches: Tensor, side: Tensor) -> tuple[Tensor, Tensor]:
        """Twice (B * T, P, dim) -> the patches that go into block `number`, and the next side input."""
        norm = self.norms[max(number - 1, 0)]
        prompt, moved = self.prompts[number](norm(patches), self.norms[0](side))
        return patches + moved + prompt, prompt

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy of blended videos."""
        x, target = self.mix(batch.x, batch.label, batch.together)
        return {"ce": F.cross_entropy(self(x), target)}


def build(task: Task, parts: Any, **options: Any) -> S2d:
    """S2D, of the options in `S2dOptions`. Raises ConfigError or DataError."""
    given = S2dOptions(**options)
    shape = Shape(given.width, given.depth, given.heads, given.patch, given.hidden)
    mix = Mix(len(task.classes), given.mixup, given.cutmix, given.smoothing)
    return S2d(task, shape, mix, given.dropout, given.zero_init, given.landmark, given.weights)


def _require_fit(task: Task, shape: Shape, landmark: str) -> int:
    """The side of the grid of patches. Raises ConfigError for sizes that do not fit together."""
    if shape.width % shape.heads or shape.width % (NARROWER * HEADS):
        raise ConfigError(
            f"width must be a multiple of heads and of {NARROWER * HEADS}, got width={shape.width} and "
            f"heads={shape.heads}",
            f"Write for example --set width={NARROWER * HEADS * shape.heads}.",
        )
    side, rest = divmod(task.size, shape.patch)
    if rest or not side:
        raise ConfigError(
            f"frames of {task.size} x {task.size} pixels cannot be cut into patches of {shape.patch}",
            "Choose input.size as a multiple of patch.",
        )
    if landmark and side != SIDE:
        raise ConfigError(
            f"the landmark network gives {SIDE} x {SIDE} places, and the image model {side} x {side}",
            f"Choose input.size as {SIDE} times patch, or leave landmark out.",
        )
    return side
