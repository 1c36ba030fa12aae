"""Classifiers that see a video frame by frame, through a tower that learns or one that is frozen."""

from __future__ import annotations

from torch import Tensor, nn

from dferbench.models.classifier import Classifier


def frame_features(tower: nn.Module, video: Tensor) -> Tensor:
    """What a backbone, (N, 3, H, W) -> (N, dim), makes of every frame: (B, T, 3, H, W) -> (B, T, dim)."""
    features: Tensor = tower(video.flatten(0, 1))
    return features.reshape(*video.shape[:2], -1)


class FrameClassifier(Classifier):
    """`tower` turns each frame into a feature, `temporal` all frames' features into one, (B, T, dim) ->
    (B, dim), and `decide`, which subclasses write, into logits. Everything may learn."""

    tower: nn.Module

    def __init__(self, tower: nn.Module, temporal: nn.Module) -> None:
        super().__init__()
        self.tower = tower
        self.temporal = temporal

    def decide(self, frames: Tensor) -> Tensor:
        """Frame features (B, T, dim) -> logits (B, C)."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, 3, size, size) -> logits (B, C)."""
        return self.decide(frame_features(self.tower, x))


class Frozen(FrameClassifier):
    """The same with a tower that never learns, so that its features are remembered: x is (B, T, dim).

    To be mixed in before a class that writes `decide`.
    """

    sees = "frame features"

    def encode(self, video: Tensor) -> Tensor:
        """(B, T, 3, size, size) -> (B, T, dim)."""
        return frame_features(self.tower, video)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, dim) -> logits (B, C)."""
        return self.decide(x)
