"""The network: a ResNet-50 over all frames, then each view by itself, through the same weights."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from dferbench import ConfigError, Task
from dferbench.models import Batch, Classifier
from dferbench_methods.dpcnet.agreement import AGREE, FUSION, jensen_shannon
from dferbench_methods.dpcnet.excitation import ChannelTemporal, SpatialFrame
from dferbench_methods.dpcnet.method import DpcNetOptions
from dferbench_methods.layers.resnet2d import Bottleneck, ResNet2d
from dferbench_methods.layers.start import start_from

VIEWS = 2
DEPTHS = (3, 4, 6, 3)
"""Blocks of the four stages of a ResNet-50."""
DROPOUT = 0.5


class DpcNet(Classifier):
    """Two views of T / 2 frames each, which must agree in their features and in what they say.

    The frames 0, 2, 4 ... are one view, 1, 3, 5 ... the other, as `groups(each=2)` gives them. Options:
    `DpcNetOptions`. Raises ConfigError for an odd number of frames, DataError for weights that do not fit.
    """

    def __init__(self, task: Task, parts: Any, **options: Any) -> None:
        super().__init__()
        choices = DpcNetOptions(**options)
        each, rest = divmod(task.frames, VIEWS)
        if rest or not each:
            raise ConfigError(
                f"dpcnet cannot make {VIEWS} views of {task.frames} frames",
                "Give an even number: --set input.frames=8.",
            )
        self.trunk = ResNet2d(Bottleneck, DEPTHS, choices.width)
        inner = self.trunk.dim // 2
        self.excite = SpatialFrame(self.trunk.dim, inner, choices.frame_gate)
        self.lstm = nn.LSTM(self.trunk.dim, inner, choices.layers, batch_first=True)
        self.aggregate = ChannelTemporal(inner)
        self.head = _head(each * inner, choices.hidden, len(task.classes))
        self.choices = choices
        self.notes = start_from(self.trunk, choices.weights)

    def views(self, x: Tensor) -> Tensor:
        """(B, T, 3, size, size) -> the frames of both views after the LSTM (B, 2, T / 2, dim), `dim` 1024."""
        maps = self.trunk.stages(self.trunk.stem(x.flatten(0, 1)), 1, 4)
        apart = maps.reshape(x.shape[0], -1, VIEWS, *maps.shape[1:]).transpose(1, 2)
        frames: Tensor = self.lstm(self.excite(apart.flatten(0, 1)))[0]
        return frames.reshape(x.shape[0], VIEWS, *frames.shape[1:])

    def decide(self, views: Tensor) -> Tensor:
        """(B, 2, T / 2, dim) -> the logits of each view (B, 2, C)."""
        logits: Tensor = self.head(self.aggregate(views.flatten(0, 1)))
        return logits.reshape(*views.shape[:2], -1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, 3, size, size) -> logits (B, C) of both views together."""
        return FUSION[self.choices.fusion](self.decide(self.views(x)))

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy of each view, and how far their features and their distributions are apart."""
        views = self.views(batch.x)
        one, other = self.decide(views).unbind(1)
        return {
            "ce": F.cross_entropy(one, batch.label) + F.cross_entropy(other, batch.label),
            "mf": self.choices.mf * AGREE[self.choices.agree](views[:, 0], views[:, 1]),
            "dp": self.choices.dp * jensen_shannon(one, other),
        }


def _head(dim: int, hidden: int, classes: int) -> nn.Module:
    if not hidden:
        return nn.Linear(dim, classes)
    return nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Dropout(DROPOUT), nn.Linear(hidden, classes))
