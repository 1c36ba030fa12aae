"""The network: gated convolutions, what stays and what changes between frames, a transformer over time."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dferbench import ConfigError, Task
from dferbench.models import Batch, Classifier, PreNorm
from dferbench_methods.ial.gca import GcaBlock
from dferbench_methods.ial.loss import intensity
from dferbench_methods.ial.method import IalOptions
from dferbench_methods.ial.names import CLASSIFIER, in_file, without_idle
from dferbench_methods.layers.dynamic_static import DEPTH, HEAD_DIM, HEADS, DynamicStatic, narrow_stem
from dferbench_methods.layers.resnet2d import Basic, kaiming_fan_out
from dferbench_methods.layers.start import start_from


class Ial(Classifier):
    """GCA+IAL, of the options in `IalOptions`.

    Raises ConfigError for fewer than two frames, which have no difference, DataError for weights that do not
    fit.
    """

    def __init__(self, task: Task, parts: Any, **options: Any) -> None:
        super().__init__()
        given = IalOptions(**options)
        if task.frames < 2:
            raise ConfigError(
                f"ial compares frames and needs at least 2, got {task.frames}",
                "Use --set input.frames=2 or more.",
            )
        width = given.width
        classes, dim = len(task.classes), 4 * width
        self.scale, self.aux = given.scale, (given.aux2, given.aux3)
        self.conv1 = narrow_stem(width)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = Basic(width, width, 1)
        self.layer2 = GcaBlock(width, 2 * width, _side(task.size, 8), classes)
        self.layer3 = GcaBlock(2 * width, dim, _side(task.size, 16), classes)
        places = _side(task.size, 32) ** 2
        self.fusion = DynamicStatic(dim, places)
        self.pos_embedding = nn.Parameter(torch.randn(1, task.frames, dim * places))
        # The MLP has 512 channels for a width of 64, however many places a map has.
        ratio = 2 / places
        self.blocks = nn.Sequential(*(PreNorm(dim * places, HEADS, HEAD_DIM, ratio) for _ in range(DEPTH)))
        self.head = nn.Linear(dim * places, classes)
        kaiming_fan_out(self)
        self.notes = start_from(self, given.weights, in_file, CLASSIFIER, without_idle)

    def maps(self, video: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """(B, T, 3, H, W) -> (B, T, dim, h, w), and the auxiliary logits (B, C) of both attention blocks."""
        frames = video.shape[1]
        x = F.relu(self.bn1(self.conv1(video.flatten(0, 1))))
        x = self.layer1(F.max_pool2d(x, 3, 2, 1))
        x, early = self.layer2.attend(x, frames)
        x, late = self.layer3.attend(x, frames)
        return _by_video(x, frames), (early, late)

    def tokens(self, maps: Tensor) -> Tensor:
        """(B, T, dim, h, w) -> (B, T - 1, dim h' w'): what a frame shows plus what the next changes."""
        tokens: Tensor = self.fusion(maps)
        return tokens

    def decide(self, maps: Tensor) -> Tensor:
        """(B, T, dim, h, w) -> logits (B, C)."""
        tokens = self.tokens(maps)
        seen = self.blocks(tokens + self.pos_embedding[:, : tokens.shape[1]])
        logits: Tensor = self.head(seen.mean(1))
        return logits

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, 3, H, W) -> logits (B, C)."""
        return self.decide(self.maps(x)[0])

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy, the scaled intensity-aware loss, and cross-entropy of the auxiliary logits."""
        maps, (early, late) = self.maps(batch.x)
        logits = self.decide(maps)
        return {
            "ce": F.cross_entropy(logits, batch.label),
            "intensity": self.scale * intensity(logits, batch.label),
            "aux2": self.aux[0] * F.cross_entropy(early, batch.label),
            "aux3": self.aux[1] * F.cross_entropy(late, batch.label),
        }


def _by_video(x: Tensor, frames: int) -> Tensor:
    """(B T, ...) -> (B, T, ...)."""
    return x.reshape(-1, frames, *x.shape[1:])


def _side(size: int, down: int) -> int:
    """The side of a map `down` times smaller than a frame: what does not divide is rounded up."""
    return math.ceil(size / down)
