"""The networks: a ResNet trunk over the frames, then a recurrent net or a transformer over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from dferbench import ConfigError, Task, UnknownName
from dferbench.models import ClsTransformer, FrameClassifier
from dferbench_methods.layers.resnet2d import EarlyBottleneck, ResNet2d
from dferbench_methods.layers.start import start_from

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}
READOUTS = ("last", "mean", "concat")
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "resnet18": {"hidden": 512, "layers": 1, "readout": "last"},
    "dfew": {"hidden": 256, "layers": 3, "readout": "concat"},
}
"""What the options leave open, for each variant."""


class Recurrent(nn.Module):
    """An LSTM or GRU over time: (B, T, dim) -> (B, outer).

    `readout` "last" takes the output at the last frame, "mean" the mean over the frames, and "concat" the
    outputs at all `frames` frames side by side. In two directions the outputs of both stand side by side, and
    "last" is where each ends. Raises UnknownName, or ConfigError for sizes below 1.
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
        _require(cell, hidden, layers, readout)
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


def recurrent(
    task: Task,
    variant: str,
    given: Mapping[str, Any],
    cell: str,
    bidirectional: bool,
    width: int,
    weights: str,
) -> ResNetOverTime:
    """resnet18-lstm; the falsy of `given` are the variant's. Raises ConfigError, UnknownName or DataError."""
    if variant not in VARIANTS:
        raise UnknownName("variant of resnet18-lstm", variant, VARIANTS)
    chosen = {name: given[name] or value for name, value in VARIANTS[variant].items()}
    tower = _dfew_trunk(width) if variant == "dfew" else ResNet2d(width=width)
    temporal = Recurrent(tower.dim, task.frames, cell, bidirectional=bidirectional, **chosen)
    model = ResNetOverTime(tower, temporal, temporal.outer, task, weights)
    if variant == "dfew":
        _kaiming_fan_in(model.head)
    return model


def transformer(task: Task, depth: int, heads: int, width: int, weights: str) -> ResNetOverTime:
    """resnet18-vit. Raises ConfigError or DataError."""
    if heads < 1:
        raise ConfigError(f"resnet18-vit has {heads} heads", "Give at least 1.")
    tower = ResNet2d(width=width)
    temporal = ClsTransformer(tower.dim, task.frames, depth, heads)
    return ResNetOverTime(tower, temporal, tower.dim, task, weights)


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


def _require(cell: str, hidden: int, layers: int, readout: str) -> None:
    if cell not in CELLS:
        raise UnknownName("recurrent cell", cell, CELLS)
    if readout not in READOUTS:
        raise UnknownName("readout", readout, READOUTS)
    if hidden < 1 or layers < 1:
        raise ConfigError(f"a recurrent net of {layers} layers of {hidden}", "Both must be at least 1.")
