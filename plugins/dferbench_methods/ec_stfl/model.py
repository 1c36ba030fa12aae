"""A 3D ResNet18 whose features are drawn together by class."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from dferbench import ConfigError, Task, UnknownName
from dferbench.models import Batch, Classifier
from dferbench_methods.ec_stfl.loss import FORMS
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

    Raises UnknownName for a net, shortcut or form that is not there, ConfigError for a negative scale, and
    DataError for weights that do not fit.
    """

    def __init__(
        self, task: Task, variant: str, shortcut: str, form: str, scale: float, width: int, weights: str
    ) -> None:
        super().__init__()
        if form not in FORMS:
            raise UnknownName("form of the EC-STFL loss", form, FORMS)
        if scale < 0:
            raise ConfigError(f"the EC-STFL loss is scaled by {scale}", "Give 0 or more; the paper's is 10.")
        self.trunk = resnet3d18(variant, shortcut, width)
        self.head = nn.Linear(self.trunk.dim, len(task.classes))
        self.form, self.scale = form, scale
        self.notes = start_from(self, weights, lambda name: in_file(name, variant))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, 3, H, W) -> logits (B, C)."""
        logits: Tensor = self.head(self.trunk(x))
        return logits

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy, and the scaled EC-STFL loss of the features that the linear layer reads."""
        features = self.trunk(batch.x)
        return {
            "ce": F.cross_entropy(self.head(features), batch.label),
            "ec": self.scale * FORMS[self.form](features, batch.label),
        }
