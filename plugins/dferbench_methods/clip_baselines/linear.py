"""A linear layer on the feature of a video."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from dferbench import Task
from dferbench.models import FrameClassifier, Frozen


class LinearClassifier(FrameClassifier):
    """Frame features, a temporal head and a linear layer with bias; of a CLIP only the image tower is kept.

    With `normalize` the video's feature is brought to length one first.
    """

    def __init__(self, task: Task, parts: Any, backbone: str, temporal: str, normalize: bool = False) -> None:
        tower = parts.backbone(backbone)
        super().__init__(getattr(tower, "image", tower), parts.temporal(temporal, tower.dim, task.frames))
        self.head = nn.Linear(tower.dim, len(task.classes))
        self.normalize = normalize

    def decide(self, frames: Tensor) -> Tensor:
        """Frame features (B, T, dim) -> logits (B, C)."""
        video = self.temporal(frames)
        logits: Tensor = self.head(F.normalize(video, dim=-1) if self.normalize else video)
        return logits


class LinearProbe(Frozen, LinearClassifier):
    """The same on remembered features: the tower never learns."""
