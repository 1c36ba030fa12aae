"""The networks: a ResNet trunk over the frames, then a recurrent net or a transformer over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from dferbench import Task
from dferbench.models import ClsTransformer, FrameClassifier
from dferbench_methods.layers.resnet2d import EarlyBottleneck, ResNet2d
from dferbench_methods.layers.start import start_from
from dferbench_methods.resnet_temporal.method import ResNetLstmOptions, ResNetVitOptions

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "resnet18": {"hidden": 512, "layers": 1, "readout": "last"},
    "dfew": {"hidden": 256, "layers": 3, "readout": "concat"},
}
"""What the options leave open, for each variant."""


class Recurrent(nn.Module):
    """An LSTM or GRU over time: (B, T, dim) -> (B, outer).

    `readout` "last" takes the output at the last frame, "mean" the mean over the frames, and "concat" the
    outputs at all `frames` frames side by side. In two directions the outputs of both stand side by side, and
    "last" is where each ends.
    """

    def __init__(
        self,
        dim: int,
        frames: int,
        cell: str,
        hidden: int,
        layers: int,
        bidirectional: bool,
        readout: str,
    ) -> None:
        super().__init__()
        self.cell = CELLS[cell](dim, hidden, layers, batch_first=True, bidirectional=bidirectional)
        self.hidden, self.bidirectional, self.readout = hidden, bidirectional, readout
        self.outer = hidden * (2 if bidirectional else 1) * (frames if readout == "concat" else 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, dim) -> (B, outer)."""
        outputs: Tensor = self.cell(x)[0]
        if self.readout == "concat":
            return outputs.flatten(1)
        return outputs.mean(1) if self.readout == "mean" else self._ends(outputs)

    def _ends(self, outputs: Tensor) -> Tensor:
        """Forwards ends at the last frame, backwards at the first."""
        if not self.bidirectional:
            return outputs[:, -1]
        return torch.cat([outputs[:, -1, : self.hidden], outputs[:, 0, self.hidden :]], dim=-1)


class ResNetOverTime(FrameClassifier):
    """The feature of each frame, one feature of all frames, and a linear layer."""

    def __init__(self, tower: ResNet2d, temporal: nn.Module, dim: int, task: Task, weights: str) -> None:
        super().__init__(tower, temporal)
        self.head = nn.Linear(dim, len(task.classes))
        self.notes = start_from(tower, weights)

    def decide(self, frames: Tensor) -> Tensor:
        """Frame features (B, T, dim) -> logits (B, C)."""
        logits: Tensor = self.head(self.temporal(frames))
        return logits


def recurrent(task: Task, parts: Any, **options: Any) -> ResNetOverTime:
    """resnet18-lstm, of the options in `ResNetLstmOptions`. Raises DataError for weights that do not fit."""
    given = ResNetLstmOptions(**options)
    chosen = {name: getattr(given, name) or value for name, value in VARIANTS[given.variant].items()}
    tower = _dfew_trunk(given.width) if given.variant == "dfew" else ResNet2d(width=given.width)
    temporal = Recurrent(tower.dim, task.frames, given.cell, bidirectional=given.bidirectional, **chosen)
    model = ResNetOverTime(tower, temporal, temporal.outer, task, given.weights)
    if given.variant == "dfew":
        _kaiming_fan_in(model.head)
    return model


def transformer(task: Task, parts: Any, **options: Any) -> ResNetOverTime:
    """resnet18-vit, of the options in `ResNetVitOptions`. Raises DataError for weights that do not fit."""
    given = ResNetVitOptions(**options)
    tower = ResNet2d(width=given.width)
    temporal = ClsTransformer(tower.dim, task.frames, given.depth, given.heads)
    return ResNetOverTime(tower, temporal, tower.dim, task, given.weights)


def _dfew_trunk(width: int) -> ResNet2d:
    """Two bottlenecks a stage, the first pooling not padded."""
    trunk = ResNet2d(EarlyBottleneck, width=width, ceil_pool=True)
    _kaiming_fan_in(trunk)
    return trunk


def _kaiming_fan_in(module: nn.Module) -> None:
    """How the DFEW authors' code starts 2D convolutions and linear layers."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight)
