"""The network: tubes of pixels as tokens, an encoder, and the mean of the scores of several windows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dferbench import ConfigError, Task
from dferbench.models import Batch, WindowClassifier
from dferbench_methods.layers.initial import draw_linear
from dferbench_methods.layers.mix import Mix
from dferbench_methods.mae_dfer import MaeDferOptions, VideoMaeOptions
from dferbench_methods.mae_dfer.blocks import EPS
from dferbench_methods.mae_dfer.encoders import ByRegion, Grid, Joint, positions, read_regions
from dferbench_methods.mae_dfer.erase import Erase
from dferbench_methods.mae_dfer.files import start

TUBE = (2, 16, 16)
"""Frames, height and width of the pixels that make a token."""
SMALL = 0.001
"""What the classifier's weights are multiplied with at the start."""


@dataclass(frozen=True)
class Net:
    """The sizes of an encoder; without `regions`, such as "4x2x1", its attention is joint."""

    width: int
    depth: int
    drop_path: float = 0.0
    regions: str = ""


@dataclass(frozen=True)
class Noise:
    """What training adds: the parameters of mixup and CutMix, smoothed labels, the share of erased videos."""

    mixup: float = 0.0
    cutmix: float = 0.0
    smoothing: float = 0.0
    erase: float = 0.0


NONE = Noise()


class VideoTransformer(WindowClassifier):
    """Tokens of two frames by 16 x 16 pixels, at fixed positions, through an encoder to a linear classifier.

    The frames are those of the task, or several windows of as many. Raises ConfigError for frames, sizes and
    regions that do not fit, DataError for `weights` that do not.
    """

    def __init__(self, task: Task, net: Net, noise: Noise = NONE, weights: str = "") -> None:
        super().__init__(task.frames)
        grid = _grid(task)
        self.patch = nn.Conv3d(3, net.width, TUBE, TUBE)
        self.register_buffer("positions", positions(math.prod(grid), net.width), persistent=False)
        self.encoder = _encoder(net, grid)
        self.fc_norm = nn.LayerNorm(net.width, eps=EPS)
        self.head = nn.Linear(net.width, len(task.classes))
        self.mix = Mix(len(task.classes), noise.mixup, noise.cutmix, noise.smoothing)
        self.erase = Erase(noise.erase)
        draw_linear(self)
        with torch.no_grad():
            self.head.weight.mul_(SMALL)
        self.notes = start(self, weights)

    def score(self, x: Tensor) -> Tensor:
        """(B, T, 3, H, W) -> logits (B, C) of one window."""
        tokens = self.patch(x.transpose(1, 2)).movedim(1, -1)  # (B, t, h, w, dim)
        tokens = tokens + self.get_buffer("positions").view(tokens.shape[1:])
        logits: Tensor = self.head(self.fc_norm(self.encoder(tokens)))
        return logits

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy with mixed, smoothed targets of videos of which some are erased in part."""
        x, target = self.mix(self.erase(batch.x), batch.label, batch.together)
        return {"ce": F.cross_entropy(self(x), target)}


def mae_dfer(task: Task, parts: Any, **options: Any) -> VideoTransformer:
    """The LGI-Former, of the options in `MaeDferOptions`, for frames that are even and a size that is a
    multiple of 16. Raises ConfigError or DataError."""
    given = MaeDferOptions(**options)
    net = Net(given.width, given.depth, given.drop_path, given.regions)
    return VideoTransformer(task, net, _noise(given), given.weights)


def videomae(task: Task, parts: Any, **options: Any) -> VideoTransformer:
    """The ViT of VideoMAE, every token looking at every other; options: `VideoMaeOptions`."""
    given = VideoMaeOptions(**options)
    net = Net(given.width, given.depth, given.drop_path)
    return VideoTransformer(task, net, _noise(given), given.weights)


def _noise(given: MaeDferOptions | VideoMaeOptions) -> Noise:
    return Noise(given.mixup, given.cutmix, given.smoothing, given.erase)


def _grid(task: Task) -> Grid:
    """How many tokens there are along time, height and width. Raises ConfigError."""
    for what, length, part in (("frames", task.frames, TUBE[0]), ("size", task.size, TUBE[1])):
        if length % part:
            raise ConfigError(
                f"input.{what} is {length}", f"Choose a multiple of {part}: that makes a token."
            )
    return task.frames // TUBE[0], task.size // TUBE[1], task.size // TUBE[2]


def _encoder(net: Net, grid: Grid) -> nn.Module:
    if not net.regions:
        return Joint(net.width, net.depth, net.drop_path)
    return ByRegion(net.width, net.depth, net.drop_path, grid, read_regions(net.regions))
