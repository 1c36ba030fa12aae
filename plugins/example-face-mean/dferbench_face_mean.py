"""face-mean: average a frozen backbone's frame features over time, then a linear layer."""

from torch import nn

from dferbench import Input, Method, Recipe, Stage, hookimpl
from dferbench.models import Classifier


class FaceMean(Classifier):
    def __init__(self, task, parts, backbone: str = "clip-vit-b32", temporal: str = "mean"):
        super().__init__()
        self.backbone = parts.backbone(backbone)
        self.temporal = parts.temporal(temporal, dim=self.backbone.dim, frames=task.frames)
        self.head = nn.Linear(self.backbone.dim, len(task.classes))

    def encode(self, video):
        return self.backbone(video.flatten(0, 1)).unflatten(0, video.shape[:2])

    def forward(self, x):
        return self.head(self.temporal(x))


STAGE = Stage({r"head\..*": 0.01}, epochs=30, batch=64)
# Always the same frames, so that their features are remembered.
INPUT = Input(frames=16, size="backbone", sample="segments(random=false)")


@hookimpl
def register_methods(register):
    register(Method("face-mean", FaceMean, Recipe(INPUT, (STAGE,))))
