"""A 3D ResNet18 whose features are drawn together by class."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from dferbench import Task
from dferbench.models import Batch, Classifier
from dferbench_methods.ec_stfl.loss import FORMS
from dferbench_methods.ec_stfl.method import EcStflOptions
from dferbench_methods.layers.resnet3d import in_hara, in_torchvision, resnet3d18
from dferbench_methods.layers.start import start_from

THEIRS = {"hara": in_hara, "torchvision": in_torchvision}


def in_file(name: str, variant: str) -> str:
    """What the code of a variant of the net calls a tensor of ours."""
    if name.startswith("head."):
        return "fc." + name.removeprefix("head.")
    return THEIRS[variant](name.removeprefix("trunk."))


class EcStfl(Classifier):
    """The trunk's pooled feature (B, 512), a linear layer, and a second term of the loss.

    Options: `EcStflOptions`. Raises DataError for weights that do not fit.
    """

    def __init__(self, task: Task, parts: Any, **options: Any) -> None:
        super().__init__()
        given = EcStflOptions(**options)
        self.trunk = resnet3d18(given.variant, given.shortcut, given.width)
        self.head = nn.Linear(self.trunk.dim, len(task.classes))
        self.form, self.scale = given.form, given.scale
        self.notes = start_from(self, given.weights, lambda name: in_file(name, given.variant))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, 3, H, W) -> logits (B, C)."""
        logits: Tensor = self.head(self.trunk(x))
        return logits

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy, and the scaled EC-STFL loss of the features that the linear layer reads."""
        features = self.trunk(batch.x)
        return {
            "ce": F.cross_entropy(self.head(features), batch.label),
            "ec": self.scale * FORMS[self.form](batch.across(features), batch.across(batch.label)),
        }
