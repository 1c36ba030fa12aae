"""The network: a shallow ResNet over the frames, dynamic and static features, a transformer over time."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dferbench import ConfigError, Task
from dferbench.models import Batch, Classifier, PreNorm
from dferbench_methods.layers.dynamic_static import DEPTH, HEAD_DIM, HEADS, DynamicStatic, narrow_stem
from dferbench_methods.layers.resnet2d import Basic, kaiming_fan_out
from dferbench_methods.layers.start import start_from
from dferbench_methods.nr_dfernet.method import NrDferNetOptions
from dferbench_methods.nr_dfernet.names import in_file, without_unused
from dferbench_methods.nr_dfernet.snippets import LENGTH, SnippetFilter, windows

DOWN = 32
"""How much smaller than a frame the fused map is, in each direction."""


class Trunk(nn.Sequential):
    """Two 3x3 convolutions, pooling, and three basic blocks: (N, 3, H, W) -> (N, 4 width, H / 16, W / 16)."""

    def __init__(self, width: int) -> None:
        parts: dict[str, nn.Module] = {"conv1": narrow_stem(width), "bn1": nn.BatchNorm2d(width)}
        parts["relu"] = nn.ReLU()
        parts["maxpool"] = nn.MaxPool2d(3, 2, 1)
        for i in range(3):
            parts[f"layer{i + 1}"] = nn.Sequential(Basic(width << max(i - 1, 0), width << i, 2 if i else 1))
        super().__init__(OrderedDict(parts))


class DynamicToken(nn.Module):
    """A transformer over up to `tokens` tokens whose class token is their mean: (B, N, dim) -> (B, dim)."""

    def __init__(self, dim: int, tokens: int) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(1, tokens + 1, dim))
        self.blocks = nn.Sequential(*(PreNorm(dim, HEADS, HEAD_DIM, 1 / 8) for _ in range(DEPTH)))

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, dim) -> (B, dim)."""
        x = torch.cat([x.mean(1, keepdim=True), x], dim=1)
        seen: Tensor = self.blocks(x + self.positions[:, : x.shape[1]])
        return seen[:, 0]


class NrDferNet(Classifier):
    """The video's prediction, with neutral ruled out where the snippet filter says so; the loss is plain.

    Options: `NrDferNetOptions`. Raises ConfigError for too few frames and for a neutral class that the task
    does not have, DataError for weights that do not fit.
    """

    def __init__(self, task: Task, parts: Any, **options: Any) -> None:
        super().__init__()
        given = NrDferNetOptions(**options)
        width = given.width
        if task.frames < LENGTH + 1:
            raise ConfigError(
                f"nr-dfernet finds no snippet in {task.frames} frames",
                f"Give at least {LENGTH + 1}: --set input.frames=16.",
            )
        places = math.ceil(task.size / DOWN) ** 2
        self.trunk = Trunk(width)
        self.fusion = DynamicStatic(4 * width, places)
        self.temporal = DynamicToken(4 * width * places, task.frames - 1)
        self.head = nn.Linear(4 * width * places, len(task.classes))
        kaiming_fan_out(self)
        self.filter = SnippetFilter.named(given.neutral, task.classes, given.low, given.high)
        self.notes = start_from(self, given.weights, in_file, used=without_unused)

    def tokens(self, x: Tensor) -> Tensor:
        """(B, T, 3, size, size) -> (B, T - 1, dim), `dim` 4096 for a width of 64 and a size of 112."""
        maps: Tensor = self.trunk(x.flatten(0, 1))
        tokens: Tensor = self.fusion(maps.reshape(*x.shape[:2], *maps.shape[1:]))
        return tokens

    def snippet_logits(self, tokens: Tensor) -> Tensor:
        """(B, N, dim) -> (B, S, C): each snippet as if it were a video."""
        snippets = windows(tokens)
        logits: Tensor = self.head(self.temporal(snippets.flatten(0, 1)))
        return logits.reshape(*snippets.shape[:2], -1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, 3, size, size) -> logits (B, C), that of neutral -1000 where the filter rules it out."""
        tokens = self.tokens(x)
        logits: Tensor = self.head(self.temporal(tokens))
        return self.filter(logits, self.snippet_logits(tokens)) if self.filter else logits

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy before the filter."""
        return {"ce": F.cross_entropy(self.head(self.temporal(self.tokens(batch.x))), batch.label)}
